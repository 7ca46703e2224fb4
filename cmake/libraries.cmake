# SPDX-License-Identifier: GPL-2.0-or-later
# A library is a folder of src/, a static library klp_NAME and a namespace. It may include the libraries that it names.

include(CheckCXXSourceCompiles)

# Static ones where Debian has them: each shared library costs a start of the program a third of a millisecond.
macro(klp_find_libraries)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
  set(OPENSSL_USE_STATIC_LIBS TRUE)
  find_package(PkgConfig REQUIRED)
  find_package(Threads REQUIRED)
  find_package(ZLIB REQUIRED)
  find_package(LibLZMA REQUIRED)
  find_package(BZip2 REQUIRED)
  find_package(OpenSSL REQUIRED)
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(CLI11 REQUIRED)
  pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
  pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
  pkg_check_modules(lzo REQUIRED IMPORTED_TARGET lzo2)
  klp_find_zydis()
  klp_find_elfutils()
  klp_find_libarchive()
endmacro()

# Debian's libzydis-dev has a CMake package, but no pkg-config file.
macro(klp_find_zydis)
  find_path(ZYDIS_INCLUDE Zydis/Zydis.h REQUIRED)
  find_library(ZYDIS_LIBRARY Zydis REQUIRED)
  add_library(PkgConfig::zydis INTERFACE IMPORTED)
  target_include_directories(PkgConfig::zydis INTERFACE ${ZYDIS_INCLUDE})
  target_link_libraries(PkgConfig::zydis INTERFACE ${ZYDIS_LIBRARY})
endmacro()

# libdw with what it needs, static where they are; shared where the static one lacks something (Debian 13: functions of
# libeu, which no package has).
macro(klp_find_elfutils)
  find_path(LIBDW_INCLUDE elfutils/libdw.h REQUIRED)
  find_library(LIBDW_LIBRARY dw REQUIRED)
  find_library(LIBELF_LIBRARY elf REQUIRED)
  add_library(elfutils::elf UNKNOWN IMPORTED)
  set_target_properties(elfutils::elf PROPERTIES IMPORTED_LOCATION ${LIBELF_LIBRARY}
                        INTERFACE_LINK_LIBRARIES "ZLIB::ZLIB")
  add_library(elfutils::dw UNKNOWN IMPORTED)
  set_target_properties(elfutils::dw PROPERTIES IMPORTED_LOCATION ${LIBDW_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${LIBDW_INCLUDE}
                        INTERFACE_LINK_LIBRARIES "elfutils::elf;LibLZMA::LibLZMA;BZip2::BZip2;Threads::Threads")
  set(CMAKE_REQUIRED_LIBRARIES elfutils::dw)
  check_cxx_source_compiles("#include <elfutils/libdw.h>
    int main() { return dwarf_begin(0, DWARF_C_READ) != nullptr; }" KLPKIT_DW_LINKS)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT KLPKIT_DW_LINKS)
    find_library(LIBDW_SHARED NAMES libdw.so REQUIRED)
    find_library(LIBELF_SHARED NAMES libelf.so REQUIRED)
    set_target_properties(elfutils::dw PROPERTIES IMPORTED_LOCATION ${LIBDW_SHARED})
    set_target_properties(elfutils::elf PROPERTIES IMPORTED_LOCATION ${LIBELF_SHARED})
  endif()
endmacro()

# Static, it needs of what it can read only the libraries that a program asks for: no XML, no access control lists. The
# shared one where that does not link.
macro(klp_find_libarchive)
  find_path(LIBARCHIVE_INCLUDE archive.h REQUIRED)
  find_library(LIBARCHIVE_LIBRARY archive REQUIRED)
  add_library(archive::archive UNKNOWN IMPORTED)
  set_target_properties(archive::archive PROPERTIES IMPORTED_LOCATION ${LIBARCHIVE_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${LIBARCHIVE_INCLUDE}
                        INTERFACE_LINK_LIBRARIES "LibLZMA::LibLZMA;BZip2::BZip2;ZLIB::ZLIB;PkgConfig::zstd")
  set(CMAKE_REQUIRED_LIBRARIES archive::archive)
  check_cxx_source_compiles("#include <archive.h>
    int main() {
      archive* reader = archive_read_new();
      archive_read_support_filter_gzip(reader);
      archive_read_support_filter_bzip2(reader);
      archive_read_support_filter_xz(reader);
      archive_read_support_filter_lzma(reader);
      archive_read_support_filter_zstd(reader);
      archive_read_support_format_tar(reader);
      archive_read_support_format_cpio(reader);
      archive_read_open_memory(reader, nullptr, 0);
      return archive_read_free(reader);
    }" KLPKIT_ARCHIVE_LINKS)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT KLPKIT_ARCHIVE_LINKS)
    find_library(LIBARCHIVE_SHARED NAMES libarchive.so REQUIRED)
    set_target_properties(archive::archive PROPERTIES IMPORTED_LOCATION ${LIBARCHIVE_SHARED})
  endif()
endmacro()

add_library(klp_options INTERFACE)
target_compile_options(klp_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                       -fdiagnostics-color=auto)
if(KLPKIT_WERROR)
  target_compile_options(klp_options INTERFACE -Werror)
endif()
target_include_directories(klp_options INTERFACE ${CMAKE_SOURCE_DIR}/src)

# The files of a library, or of its tests, in one compilation: what they include is read, and what they instantiate is
# made, once. That is a third of the time of a library, two thirds of its tests'. Names in unnamed namespaces must differ
# in a folder.
function(klp_unity target)
  if(KLPKIT_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    get_target_property(sources ${target} SOURCES)
    foreach(source IN LISTS sources)
      cmake_path(GET source PARENT_PATH folder)
      cmake_path(GET folder FILENAME group)
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
    endforeach()
  endif()
endfunction()

function(klp_library library)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${library}/*.cpp ${CMAKE_SOURCE_DIR}/src/${library}/*/*.cpp)
  add_library(klp_${library} STATIC ${sources})
  target_link_libraries(klp_${library} PUBLIC klp_options)
  klp_unity(klp_${library})
  foreach(other IN LISTS ARGN)
    target_link_libraries(klp_${library} PUBLIC klp_${other})
  endforeach()
endfunction()

# The files below a folder become part of the library, as klp::LIBRARY::NAME(), which LIBRARY/NAME.hpp declares.
function(klp_embed library name folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*)
  list(SORT files)
  set(code "#include \"${library}/${name}.hpp\"\n\nnamespace klp::${library} {\n")
  string(APPEND code "std::span<const EmbeddedFile> ${name}() noexcept {\n    static constexpr EmbeddedFile files[] = {\n")
  foreach(file IN LISTS files)
    file(READ ${folder}/${file} text)
    string(APPEND code "        {\"${file}\", R\"embedded(${text})embedded\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
  endforeach()
  string(APPEND code "    };\n    return files;\n}\n}  // namespace klp::${library}\n")
  set(source ${CMAKE_BINARY_DIR}/embedded/${library}_${name}.cpp)
  set(before "")
  if(EXISTS ${source})
    file(READ ${source} before)
  endif()
  if(NOT code STREQUAL before)
    file(WRITE ${source} "${code}")
  endif()
  target_sources(klp_${library} PRIVATE ${source})
endfunction()

# What all tests include, compiled once, and what all of them have (tests/support/environment.cpp).
function(klp_test_headers)
  file(WRITE ${CMAKE_BINARY_DIR}/test_headers.cpp "")
  add_library(klp_test_headers STATIC ${CMAKE_BINARY_DIR}/test_headers.cpp)
  target_link_libraries(klp_test_headers PRIVATE klp_options GTest::gtest GTest::gmock)
  target_compile_options(klp_test_headers PRIVATE -O0)
  target_precompile_headers(klp_test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  add_library(klp_test_environment OBJECT ${CMAKE_SOURCE_DIR}/tests/support/environment.cpp)
  target_link_libraries(klp_test_environment PRIVATE klp_options GTest::gtest)
  # klp::Diagnostics::add(), error(), warning() and add_once()
  set(string NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE)
  foreach(call IN ITEMS 3addENS_8SeverityE${string}NS_8LocationES7_ 5errorE${string}NS_8LocationES6_
                        7warningE${string}NS_8LocationES6_
                        8add_onceESt17basic_string_viewIcSt11char_traitsIcEENS_8SeverityENSt7__cxx1112basic_stringIcS3_SaIcEEENS_8LocationES9_)
    target_link_options(klp_test_environment INTERFACE -Wl,--wrap=_ZN3klp11Diagnostics${call})
  endforeach()
endfunction()

# tests/LIBRARY/*.cpp become one GoogleTest program test_LIBRARY, registered as one CTest test, label "unit". It may use
# all libraries.
function(klp_library_tests library)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${library}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${library} ${sources})
  target_include_directories(test_${library} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(test_${library} PRIVATE KLPKIT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(test_${library} PRIVATE klp_test_environment klp_cli GTest::gtest_main GTest::gmock)
  # Tests are compiled far longer than they run.
  target_compile_options(test_${library} PRIVATE -O0)
  target_precompile_headers(test_${library} REUSE_FROM klp_test_headers)
  klp_unity(test_${library})
  add_test(NAME unit_${library} COMMAND test_${library})
  set_tests_properties(unit_${library} PROPERTIES LABELS unit TIMEOUT 600)
endfunction()

# tests/fuzz/fuzz_TARGET.cpp become libFuzzer programs; scripts/fuzz runs them.
function(klp_fuzz_targets)
  add_library(klp_fuzz_driver OBJECT ${CMAKE_SOURCE_DIR}/tests/fuzz/driver.cpp)
  target_link_libraries(klp_fuzz_driver PRIVATE klp_base)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.cpp)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE klp_fuzz_driver klp_kernel klp_format klp_loader klp_check)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
    list(APPEND programs ${name})
  endforeach()
  add_executable(make_seeds ${CMAKE_SOURCE_DIR}/tests/fuzz/make_seeds.cpp)
  target_include_directories(make_seeds PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(make_seeds PRIVATE klp_kernel)
  set_target_properties(make_seeds PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_custom_target(fuzzers DEPENDS make_seeds ${programs})
endfunction()
