# Writes OUT: schemas/, prompts/ and blueprints/ below ROOT as string literals, sorted by path.
# Run as a script: cmake -DROOT=… -DOUT=… -P Embed.cmake
set(paths)
foreach(folder schemas prompts blueprints)
  file(GLOB_RECURSE found RELATIVE "${ROOT}" "${ROOT}/${folder}/*")
  list(APPEND paths ${found})
endforeach()
list(FILTER paths EXCLUDE REGEX "README\\.md$|CMakeLists\\.txt$")
list(SORT paths)

set(body "")
foreach(path IN LISTS paths)
  file(READ "${ROOT}/${path}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${hex}")
  # Short pieces: a literal has a length limit, and an editor has a line limit.
  string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?)" "\"\\1\"" bytes "${bytes}")
  string(APPEND body "    {\"${path}\", std::string_view(${bytes}\"\", ${size})},\n")
endforeach()

set(text "// Made by cmake/Embed.cmake from schemas/, prompts/ and blueprints/.
#include \"server/base/embedded.hpp\"

namespace tutti {
namespace {
constexpr EmbeddedFile kFiles[] = {
${body}};
}  // namespace

std::span<const EmbeddedFile> embeddedFiles() { return kFiles; }
}  // namespace tutti
")
file(WRITE "${OUT}" "${text}")
