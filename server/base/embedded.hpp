// The files of schemas/, prompts/ and blueprints/, compiled into the program.
#pragma once

#include <span>
#include <string_view>

namespace tutti {

struct EmbeddedFile {
  std::string_view path;  ///< as in the source tree: "schemas/start_agent.input.json"
  std::string_view content;
};

/// All embedded files, sorted by path. Lives as long as the program. Thread-safe.
std::span<const EmbeddedFile> embeddedFiles();

}  // namespace tutti
