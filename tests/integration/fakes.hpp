// Where the programs are that stand in for others.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace tutti::test {

/// The path of a fake, as "claude_fake" or "mcp_fake". Throws where nobody says where they are.
inline std::string fakeProgram(const std::string& name) {
  const char* folder = std::getenv("TUTTI_FAKES");
  if (folder == nullptr) throw std::runtime_error("TUTTI_FAKES does not name the fakes' folder");
  return std::string(folder) + "/" + name;
}

/// What makes tutti start the fake claude, for its environment.
inline std::string fakeClaude() {
  return "TUTTI_CLAUDE=" + fakeProgram("claude_fake");
}

}  // namespace tutti::test
