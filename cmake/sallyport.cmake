# How every folder of the house is built.
#
#   sallyport_library(policy DEPENDS base)          policy/*.cpp -> sallyport::policy
#   sallyport_tests(policy DEPENDS policy)          tests/policy/*.cpp -> policy_tests, one ctest per TEST
#   sallyport_benchmark(policy DEPENDS policy)      bench/policy*.cpp -> bench_policy
#
# Sources are globbed with CONFIGURE_DEPENDS: a file that exists is built, so no test can be
# forgotten on a list.

option(SALLYPORT_TESTS "Build the tests" ON)
option(SALLYPORT_BENCH "Build the benchmarks" ON)
option(SALLYPORT_FUZZ "Build the fuzzers (clang only)" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# GoogleTest discovers tests when ctest runs, not while the build is still linking others.
set(CMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE PRE_TEST)

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

include(CheckPIESupported)
check_pie_supported()

find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(SQLite3 REQUIRED)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)

# What every translation unit of ours is compiled with.
add_library(sallyport_options INTERFACE)
target_include_directories(sallyport_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(sallyport_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<CXX_COMPILER_ID:GNU>:-Werror>
    -fstack-protector-strong $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc 12 sees uninitialised values in coroutine frames and sanitizer stubs that are not there.
    target_compile_options(sallyport_options INTERFACE
        -Wno-maybe-uninitialized -Wno-mismatched-new-delete -fcf-protection)
endif()
target_link_options(sallyport_options INTERFACE -Wl,-z,relro,-z,now)
target_compile_definitions(sallyport_options INTERFACE
    BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_DISABLE_BOOST_COROUTINE SPDLOG_FMT_EXTERNAL
    # A call is some ten coroutine frames deep: kept by the thread instead of given back to malloc.
    BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16)
target_link_libraries(sallyport_options INTERFACE Threads::Threads)

# The non-template halves of Asio and Beast, compiled once instead of into every file.
add_library(sallyport_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio.cpp)
target_link_libraries(sallyport_asio
    PUBLIC sallyport_options OpenSSL::SSL OpenSSL::Crypto Boost::boost)
add_library(sallyport::asio ALIAS sallyport_asio)

function(sallyport_library name)
    cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
    list(TRANSFORM ARG_DEPENDS REPLACE "^(base|policy|audit|identity|net|vault|oauth|config|proxy|control|cli)$"
         "sallyport_\\1")
    if(sources)
        add_library(sallyport_${name} STATIC ${sources})
        target_link_libraries(sallyport_${name} PUBLIC sallyport_options ${ARG_DEPENDS})
    else()
        add_library(sallyport_${name} INTERFACE)
        target_link_libraries(sallyport_${name} INTERFACE sallyport_options ${ARG_DEPENDS})
    endif()
    add_library(sallyport::${name} ALIAS sallyport_${name})
endfunction()

function(sallyport_tests name)
    cmake_parse_arguments(ARG "" "" "DEPENDS;LABELS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/*.cpp)
    list(TRANSFORM ARG_DEPENDS REPLACE "^(base|policy|audit|identity|net|vault|oauth|config|proxy|control|cli)$"
         "sallyport_\\1")
    if(NOT sources)
        return()
    endif()
    add_executable(${name}_tests ${sources})
    target_link_libraries(${name}_tests PRIVATE ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_tests PRIVATE SALLYPORT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    gtest_discover_tests(${name}_tests TEST_PREFIX "${name}." PROPERTIES TIMEOUT 120 LABELS "unit;${ARG_LABELS}")
endfunction()

function(sallyport_benchmark name)
    cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/${name}*.cpp)
    list(TRANSFORM ARG_DEPENDS REPLACE "^(base|policy|audit|identity|net|vault|oauth|config|proxy|control|cli)$"
         "sallyport_\\1")
    if(NOT sources)
        return()
    endif()
    add_executable(bench_${name} ${sources})
    target_link_libraries(bench_${name} PRIVATE ${ARG_DEPENDS} benchmark::benchmark_main)
    target_compile_definitions(bench_${name} PRIVATE SALLYPORT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endfunction()
