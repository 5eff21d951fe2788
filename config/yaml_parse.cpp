// The only file that knows the YAML library.
#include "config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace sallyport::config {
namespace {

// Turns the parser's events into nodes. Throws YAML::ParserException to stop at what is refused.
class tree_builder : public YAML::EventHandler {
public:
    explicit tree_builder(yaml_file& file) : file_(file) {}

    yaml_node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        refuse_anchor(mark, anchor);
        refuse_as_key(mark);
        add(make(yaml_node::type::null, mark));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override
    {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        yaml_node node = make(yaml_node::type::scalar, mark);
        node.quoted = tag == "!";
        node.text = value;
        add(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override
    {
        open(yaml_node::type::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override
    {
        open(yaml_node::type::map, mark, tag, anchor);
    }
    void OnMapEnd() override
    {
        report_repeated_keys(stack_.back().node);
        close();
    }

private:
    struct frame {
        yaml_node node;
        bool has_key = false;
        yaml_node key;
    };

    static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor)
    {
        if (anchor != 0) {
            throw YAML::ParserException(mark, "anchors and aliases are not accepted");
        }
    }

    static void refuse_tag(const YAML::Mark& mark, const std::string& tag)
    {
        if (!tag.empty() && tag != "?" && tag != "!") {
            throw YAML::ParserException(mark, "tags are not accepted");
        }
    }

    void refuse_as_key(const YAML::Mark& mark) const
    {
        if (expects_key()) {
            throw YAML::ParserException(mark, "a key must be a plain word or a string");
        }
    }

    yaml_node make(yaml_node::type type, const YAML::Mark& mark)
    {
        if (++nodes_ > file_.limits().nodes) {
            throw YAML::ParserException(mark, "too many values in one file");
        }
        yaml_node node;
        node.is = type;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        return node;
    }

    void open(yaml_node::type type, const YAML::Mark& mark, const std::string& tag,
              YAML::anchor_t anchor)
    {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (stack_.size() == file_.limits().depth) {
            throw YAML::ParserException(mark, "nested too deeply");
        }
        refuse_as_key(mark);
        stack_.emplace_back().node = make(type, mark);
    }

    void close()
    {
        yaml_node done = std::move(stack_.back().node);
        stack_.pop_back();
        add(std::move(done));
    }

    bool expects_key() const
    {
        return !stack_.empty() && stack_.back().node.is == yaml_node::type::map &&
               !stack_.back().has_key;
    }

    void add(yaml_node node)
    {
        if (stack_.empty()) {
            root_ = std::move(node);
            return;
        }
        frame& parent = stack_.back();
        if (expects_key()) {
            parent.key = std::move(node);
            parent.has_key = true;
            return;
        }
        if (parent.has_key) {
            node.key = std::move(parent.key.text);
            node.key_line = parent.key.line;
            node.key_column = parent.key.column;
            parent.has_key = false;
        }
        parent.node.items.push_back(std::move(node));
    }

    void report_repeated_keys(const yaml_node& map)
    {
        std::vector<const yaml_node*> members;
        for (const yaml_node& member : map.items) {
            members.push_back(&member);
        }
        std::stable_sort(members.begin(), members.end(),
                         [](const auto* a, const auto* b) { return a->key < b->key; });
        for (std::size_t i = 1; i < members.size(); ++i) {
            if (members[i]->key == members[i - 1]->key) {
                file_.report_key(*members[i], "the key \"" + members[i]->key + "\" is repeated");
            }
        }
    }

    yaml_file& file_;
    yaml_node root_;
    std::vector<frame> stack_;
    std::size_t nodes_ = 0;
};

}  // namespace

yaml_file::yaml_file(std::string name, problems& found, yaml_limits limits)
    : name_(std::move(name)), found_(found), limits_(limits)
{
}

bool yaml_file::load()
{
    std::ifstream in(name_, std::ios::binary);
    if (!in) {
        report_at(0, 0, "cannot be read");
        return false;
    }
    std::string text(limits_.bytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) {
        report_at(0, 0, "cannot be read");
        return false;
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    return parse(text);
}

bool yaml_file::parse(std::string_view text)
{
    root_ = {};
    if (text.size() > limits_.bytes) {
        report_at(0, 0, "is larger than " + std::to_string(limits_.bytes >> 20) + " MiB");
        return false;
    }
    if (text.find('\0') != std::string_view::npos) {
        report_at(0, 0, "holds a NUL byte");
        return false;
    }
    const std::size_t before = found_.size();
    try {
        // With an explicit end of the document the parser notices a quote that was never closed.
        std::istringstream in(std::string(text) + (text.ends_with('\n') ? "...\n" : "\n...\n"));
        YAML::Parser parser(in);
        tree_builder builder(*this);
        parser.HandleNextDocument(builder);
        root_ = builder.take();
        root_.line = root_.is == yaml_node::type::null ? 1 : root_.line;
        tree_builder further(*this);
        if (parser.HandleNextDocument(further)) {
            report_at(0, 0, "holds more than one document");
        }
    } catch (const YAML::Exception& error) {
        report_at(error.mark.line + 1, error.mark.column + 1, error.msg);
    }
    return found_.size() == before;
}

}  // namespace sallyport::config
