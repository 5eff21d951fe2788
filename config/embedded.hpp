// The files of this folder that the binary carries: the commented example and the catalogue.
#pragma once

#include <span>
#include <string_view>

namespace sallyport::config {

struct embedded_file {
    std::string_view path;  // relative: "sallyport.yaml", "catalogue/github.yaml"
    std::string_view content;
};

std::span<const embedded_file> embedded_files() noexcept;

}  // namespace sallyport::config
