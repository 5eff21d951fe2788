// Shell completion scripts, written from the tree of commands itself so that they cannot name what
// is not there. A script knows commands and options; where neither fits it offers files.
#pragma once

#include <CLI/App.hpp>

#include <string>

namespace sallyport::cli {

std::string bash_completion(const CLI::App& root);
std::string zsh_completion(const CLI::App& root);
std::string fish_completion(const CLI::App& root);

}  // namespace sallyport::cli
