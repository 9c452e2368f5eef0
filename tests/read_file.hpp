// A file's content, for tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace tutti::fixture {

/// What can be read; "" when nothing can. Never throws: a process may vanish while its files in
/// /proc are being read, which reading by stream iterators would answer with an exception.
inline std::string readAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace tutti::fixture
