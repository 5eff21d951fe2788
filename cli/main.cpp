#include "cli/command.hpp"
#include "cli/hardening.hpp"
#include "vault/secret.hpp"

int main(int argc, char** argv)
{
    using namespace sallyport;
    vault::open_secure_heap();  // Where it cannot be locked, `serve` says so.
    cli::hide_environment();
    CLI::App app;
    cli::exit_status status = cli::exit_status::done;
    cli::add_commands(app);
    cli::add_serve_command(app, status);
    return cli::run_command_line(app, argc, argv, status);
}
