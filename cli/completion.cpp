#include "cli/completion.hpp"

#include <iostream>
#include <vector>

#include "cli/command.hpp"

namespace sallyport::cli {
namespace {

struct word {
    std::string text;
    std::string description;
    bool takes_value = false;
};

// A command by its place in the tree: "connection add"; "" is the program itself.
struct place {
    std::string path;
    std::vector<word> commands;
    std::vector<word> options;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void collect(const CLI::App& app, const std::string& path, std::vector<place>& places)
{
    place here{path, {}, {}};
    const auto every = [](const CLI::App*) { return true; };
    for (const CLI::App* sub : app.get_subcommands(every)) {
        here.commands.push_back({sub->get_name(), first_line(sub->get_description()), false});
    }
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            here.options.push_back({"--" + name, first_line(option->get_description()),
                                    option->get_items_expected_max() > 0});
        }
    }
    places.push_back(std::move(here));
    for (const CLI::App* sub : app.get_subcommands(every)) {
        collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), places);
    }
}

std::vector<place> places_of(const CLI::App& root)
{
    std::vector<place> places;
    collect(root, "", places);
    return places;
}

// In single quotes, for any of the three shells.
std::string quoted(const std::string& text)
{
    std::string safe = "'";
    for (const char c : text) {
        safe += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return safe + "'";
}

std::string joined(const place& here)
{
    std::string words;
    for (const auto* list : {&here.commands, &here.options}) {
        for (const word& one : *list) {
            words += (words.empty() ? "" : " ") + one.text;
        }
    }
    return words;
}

// The case branch that walks from one command into the next.
std::string steps(const std::vector<place>& places)
{
    std::string patterns;
    for (const place& here : places) {
        if (!here.path.empty()) {
            patterns += (patterns.empty() ? "" : "|") + quoted(here.path);
        }
    }
    return patterns;
}

}  // namespace

std::string bash_completion(const CLI::App& root)
{
    const std::vector<place> places = places_of(root);
    std::string script =
        "# bash completion of sallyport: source <(sallyport completion bash)\n"
        "_sallyport() {\n"
        "    local at='' next word words=''\n"
        "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
        "        next=${at:+$at }$word\n"
        "        case $next in\n"
        "            " +
        steps(places) +
        ") at=$next ;;\n"
        "        esac\n"
        "    done\n"
        "    case $at in\n";
    for (const place& here : places) {
        script += "        " + quoted(here.path) + ") words=" + quoted(joined(here)) + " ;;\n";
    }
    return script +
           "    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
           "}\n"
           "complete -o default -F _sallyport sallyport\n";
}

std::string zsh_completion(const CLI::App& root)
{
    const std::vector<place> places = places_of(root);
    std::string script =
        "#compdef sallyport\n"
        "# zsh completion of sallyport: source <(sallyport completion zsh)\n"
        "_sallyport() {\n"
        "    local at='' next word\n"
        "    local -a found\n"
        "    for word in ${words[2,CURRENT-1]}; do\n"
        "        next=${at:+$at }$word\n"
        "        case $next in\n"
        "            (" +
        steps(places) +
        ") at=$next ;;\n"
        "        esac\n"
        "    done\n"
        "    case $at in\n";
    for (const place& here : places) {
        script += "        (" + quoted(here.path) + ") found=(";
        for (const auto* list : {&here.commands, &here.options}) {
            for (const word& one : *list) {
                script += "\n            " + quoted(one.text + ":" + one.description);
            }
        }
        script += ") ;;\n";
    }
    return script +
           "    esac\n"
           "    _describe 'sallyport' found || _files\n"
           "}\n"
           "compdef _sallyport sallyport\n";
}

std::string fish_completion(const CLI::App& root)
{
    const std::vector<place> places = places_of(root);
    std::string known;
    for (const place& here : places) {
        known += here.path.empty() ? "" : " " + quoted(here.path);
    }
    std::string script =
        "# fish completion of sallyport: sallyport completion fish | source\n"
        "function __sallyport_at\n"
        "    set -l at ''\n"
        "    for word in (commandline -opc)[2..-1]\n"
        "        set -l next (string trim \"$at $word\")\n"
        "        if contains -- $next" +
        known +
        "\n"
        "            set at $next\n"
        "        end\n"
        "    end\n"
        "    test \"$at\" = \"$argv[1]\"\n"
        "end\n";
    for (const place& here : places) {
        const std::string head =
            "complete -c sallyport -n " + quoted("__sallyport_at \"" + here.path + "\"");
        for (const word& one : here.commands) {
            script += head + " -f -a " + one.text + " -d " + quoted(one.description) + "\n";
        }
        for (const word& one : here.options) {
            script += head + " -l " + one.text.substr(2) + (one.takes_value ? " -r" : "") + " -d " +
                      quoted(one.description) + "\n";
        }
    }
    return script;
}

void add_completion_command(CLI::App& app)
{
    CLI::App* family = add_family(app, "completion", "Scripts that complete commands in a shell");
    const auto add = [&](const char* shell, std::string (*write)(const CLI::App&)) {
        CLI::App* command =
            family->add_subcommand(shell, std::string("For ") + shell + "; to be sourced");
        command->callback([&app, write] { std::cout << write(app); });
    };
    add("bash", bash_completion);
    add("zsh", zsh_completion);
    add("fish", fish_completion);
}

}  // namespace sallyport::cli
