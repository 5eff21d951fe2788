# Carries files inside a library: the assembler includes their bytes as they are, which costs no
# compile time whatever their size.
#
#   sallyport_embed(TARGET ROOT DIR FILES a.yaml catalogue/b.yaml ...)
#
# writes the definition of config::embedded_files() (config/embedded.hpp) into TARGET.

function(sallyport_embed target)
    cmake_parse_arguments(ARG "" "ROOT" "FILES" ${ARGN})
    set(symbols "")
    set(declarations "")
    set(entries "")
    set(index 0)
    foreach(path IN LISTS ARG_FILES)
        set(symbol sallyport_embedded_${index})
        string(APPEND symbols
            "    \".global ${symbol}\\n.hidden ${symbol}\\n${symbol}:\\n\"\n"
            "    \".incbin \\\"${ARG_ROOT}/${path}\\\"\\n\"\n"
            "    \".global ${symbol}_end\\n.hidden ${symbol}_end\\n${symbol}_end:\\n.byte 0\\n\"\n")
        string(APPEND declarations "extern const char ${symbol}[], ${symbol}_end[];\n")
        string(APPEND entries "        {\"${path}\", {${symbol}, ${symbol}_end}},\n")
        math(EXPR index "${index} + 1")
    endforeach()
    set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded.cpp)
    file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"// Written by cmake/embed.cmake.
#include \"config/embedded.hpp\"

asm(\".section .rodata\\n\"
${symbols}    \".previous\\n\");

extern \"C\" {
${declarations}}

namespace sallyport::config {

std::span<const embedded_file> embedded_files() noexcept
{
    static const embedded_file files[] = {
${entries}    };
    return files;
}

}  // namespace sallyport::config
")
    list(TRANSFORM ARG_FILES PREPEND ${ARG_ROOT}/ OUTPUT_VARIABLE contents)
    set_source_files_properties(${output} PROPERTIES OBJECT_DEPENDS "${contents}")
    target_sources(${target} PRIVATE ${output})
endfunction()
