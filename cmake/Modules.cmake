# The heavy headers, parsed once for every folder that handles JSON.
function(tutti_module_pch target)
  add_library(${target} OBJECT "${CMAKE_SOURCE_DIR}/cmake/pch.cpp")
  target_link_libraries(${target} PUBLIC tutti_options)
  target_precompile_headers(${target} PRIVATE
    <nlohmann/json.hpp> <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional>
    <string> <string_view> <variant> <vector>)
endfunction()
tutti_module_pch(tutti_pch)
set(tutti_fuzzed_pch tutti_pch)
if(TUTTI_FUZZ)
  set(tutti_fuzzed_pch tutti_fuzzed_pch)  # A precompiled header fits one set of flags.
  tutti_module_pch(tutti_fuzzed_pch)
  tutti_fuzzed(tutti_fuzzed_pch)
endif()

# Several sources as one, in batches: what they include is parsed and compiled once for all of them. For the
# builds that exist to check; the release build compiles each file alone, so each still names what it needs.
function(tutti_batches target size)
  if(TUTTI_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${size})
    # A batch includes its sources, and GCC takes for a header's what they have in unnamed namespaces.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# tutti_module(name [PCH] [FUZZED] [ALONE] DEPS other…): the folder's sources as one static library, compiled
# in batches unless ALONE. A dependency that is not declared here does not link, which keeps the arrows of the
# architecture pointing one way.
function(tutti_module name)
  cmake_parse_arguments(ARG "PCH;FUZZED;ALONE" "" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  add_library(tutti_${name} STATIC ${sources})
  target_link_libraries(tutti_${name} PUBLIC tutti_options ${ARG_DEPS})
  set_target_properties(tutti_${name} PROPERTIES LINKER_LANGUAGE CXX)
  if(NOT ARG_ALONE)
    tutti_batches(tutti_${name} 8)
  endif()
  set(pch tutti_pch)
  if(ARG_FUZZED)
    tutti_fuzzed(tutti_${name})
    set(pch ${tutti_fuzzed_pch})
  endif()
  if(ARG_PCH)
    target_precompile_headers(tutti_${name} REUSE_FROM ${pch})
  endif()
endfunction()

# The same for tests: with gtest in it, and for what is compiled fast instead of well.
function(tutti_test_options target)
  target_compile_options(${target} PRIVATE -O0)
  target_compile_definitions(${target} PRIVATE TUTTI_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endfunction()
function(tutti_test_pch)
  add_library(tutti_test_pch OBJECT "${CMAKE_SOURCE_DIR}/cmake/pch.cpp")
  target_link_libraries(tutti_test_pch PRIVATE tutti_options GTest::gtest)
  tutti_test_options(tutti_test_pch)
  target_precompile_headers(tutti_test_pch PRIVATE
    <gtest/gtest.h> <nlohmann/json.hpp> <algorithm> <chrono> <filesystem> <functional> <map> <memory>
    <optional> <string> <string_view> <vector>)
endfunction()

# What tutti_test() makes and what it starts: for a build that runs these and nothing else.
add_custom_target(tutti_tests)

# tutti_test(name DEPS other… [SOURCES more…]): tests/<name>/*.cpp as the executable <name>_test.
function(tutti_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPS;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources} ${ARG_SOURCES})
  target_link_libraries(${name}_test PRIVATE tutti_options ${ARG_DEPS} GTest::gtest GTest::gtest_main)
  tutti_test_options(${name}_test)
  target_precompile_headers(${name}_test REUSE_FROM tutti_test_pch)
  tutti_batches(${name}_test 8)
  add_dependencies(tutti_tests ${name}_test)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name}_test)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "TUTTI_BIN=$<TARGET_FILE:tutti>;TUTTI_FAKES=${CMAKE_BINARY_DIR}/tests/fakes")
endfunction()
