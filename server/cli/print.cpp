#include "server/cli/print.hpp"

#include <cstdio>

#include "server/base/text.hpp"

namespace tutti::cli {
namespace {
void printBoth(std::string_view message, std::string_view hint) {
  std::fprintf(stderr, "tutti: %.*s\n", static_cast<int>(message.size()), message.data());
  if (!hint.empty())
    std::fprintf(stderr, "       %.*s\n", static_cast<int>(hint.size()), hint.data());
}
}  // namespace

int printError(const Error& error) {
  printBoth(error.message(), error.hint());
  return 2;
}

int printToolError(const Json& error) {
  printBoth(json::stringOr(error, "message", "the tool failed"), json::stringOr(error, "hint", ""));
  return 1;
}

bool printOut(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

int printJson(const Json& value) {
  return printOut(json::dumpPretty(value) + "\n") ? 0 : 1;
}

std::string oneLine(std::string_view text, std::size_t width) {
  std::string line;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line.push_back(blank ? ' ' : c);
  }
  return shortened(line, width);
}

}  // namespace tutti::cli
