#include "server/cli/settings.hpp"

#include <cstdlib>

namespace tutti::cli {
namespace fs = std::filesystem;

std::string fromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<fs::path> dataFolder(const std::string& given) {
  if (!given.empty()) return fs::absolute(given).lexically_normal();
  const std::string state = fromEnvironment("XDG_STATE_HOME");
  if (!state.empty() && state[0] == '/') return fs::path(state) / "tutti";
  const std::string home = fromEnvironment("HOME");
  if (!home.empty()) return fs::path(home) / ".local" / "state" / "tutti";
  return Error(Code::FailedPrecondition, "there is no place for tutti's data: HOME is not set",
               "give a folder with --data or TUTTI_DATA")
      .named("no_home");
}

fs::path ownProgram() {
  std::error_code failed;
  fs::path path = fs::read_symlink("/proc/self/exe", failed);
  return failed ? fs::path("tutti") : path;
}

std::vector<std::string> sharedArguments(const Settings& settings) {
  std::vector<std::string> arguments;
  for (const std::string& folder : settings.blueprints) {
    arguments.push_back("--blueprints");
    arguments.push_back(fs::absolute(folder).string());
  }
  const auto add = [&](const char* option, const std::string& value) {
    if (value.empty()) return;
    arguments.emplace_back(option);
    arguments.push_back(value);
  };
  add("--assets", settings.assets.empty() ? "" : fs::absolute(settings.assets).string());
  add("--toolsets", settings.toolsets);
  add("--claude", settings.claude);
  return arguments;
}

}  // namespace tutti::cli
