# The heavy headers, parsed once for every folder that handles JSON.
add_library(tutti_pch OBJECT "${CMAKE_SOURCE_DIR}/cmake/pch.cpp")
target_link_libraries(tutti_pch PUBLIC tutti_options)
target_precompile_headers(tutti_pch PRIVATE
  <nlohmann/json.hpp> <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional>
  <string> <string_view> <variant> <vector>)

# tutti_module(name [PCH] DEPS other…): the folder's sources as one static library. A dependency that is
# not declared here does not link, which keeps the arrows of the architecture pointing one way.
function(tutti_module name)
  cmake_parse_arguments(ARG "PCH" "" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  add_library(tutti_${name} STATIC ${sources})
  target_link_libraries(tutti_${name} PUBLIC tutti_options ${ARG_DEPS})
  set_target_properties(tutti_${name} PROPERTIES LINKER_LANGUAGE CXX)
  if(ARG_PCH)
    target_precompile_headers(tutti_${name} REUSE_FROM tutti_pch)
  endif()
endfunction()

# The same for tests: with gtest in it, and for what is compiled fast instead of well.
function(tutti_test_options target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O0>)
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
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name}_test)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "TUTTI_BIN=$<TARGET_FILE:tutti>;TUTTI_FAKES=${CMAKE_BINARY_DIR}/tests/fakes")
endfunction()
