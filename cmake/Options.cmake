# Flags that every target shares. The three exceptions for GCC 12 are false positives from coroutine frames.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

add_library(tutti_options INTERFACE)
target_compile_options(tutti_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror -fno-plt)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tutti_options INTERFACE
    -fcoroutines -fpch-preprocess -Wno-error=maybe-uninitialized -Wno-error=mismatched-new-delete -Wno-error=restrict
    -Wno-missing-field-initializers)
else()
  target_compile_options(tutti_options INTERFACE -Wthread-safety -Wno-missing-field-initializers
    -Wno-unknown-warning-option "SHELL:-Xclang -fno-pch-timestamp")
endif()
target_compile_definitions(tutti_options INTERFACE
  JSON_USE_IMPLICIT_CONVERSIONS=0
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_ERROR_CODE_HEADER_ONLY)
target_include_directories(tutti_options INTERFACE "${CMAKE_SOURCE_DIR}")

if(TUTTI_SANITIZE)
  target_compile_options(tutti_options INTERFACE
    -fsanitize=${TUTTI_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tutti_options INTERFACE -fsanitize=${TUTTI_SANITIZE})
  if(TUTTI_SANITIZE STREQUAL "thread")
    target_compile_definitions(tutti_options INTERFACE BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
    target_compile_options(tutti_options INTERFACE -Wno-error=tsan)
  endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  # One file to copy: only libc stays shared. It also starts in a third of the time.
  target_link_options(tutti_options INTERFACE
    -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,-z,now -Wl,-O1)
  target_compile_options(tutti_options INTERFACE -ffunction-sections -fdata-sections)
endif()

# What the fuzz targets search: optimised for the number of inputs, and counted branch by branch.
function(tutti_fuzzed target)
  if(TUTTI_FUZZ)
    target_compile_options(${target} PRIVATE -O1 -fsanitize=fuzzer-no-link)
  endif()
endfunction()
