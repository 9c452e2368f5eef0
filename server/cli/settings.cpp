#include "server/cli/settings.hpp"

#include <cstdlib>

#include "server/base/file.hpp"
#include "server/cli/document_options.hpp"

namespace tutti::cli {
namespace fs = std::filesystem;

namespace {
constexpr std::size_t kTokenFileBytesMax = 64U * 1024;
// RFC 6750, section 2.1.
constexpr std::string_view kTokenCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
}  // namespace

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
  for (const std::string& pack : settings.packs) {
    arguments.push_back("--pack");
    arguments.push_back(pack);
  }
  const auto add = [&](const char* option, const std::string& value) {
    if (value.empty()) return;
    arguments.emplace_back(option);
    arguments.push_back(value);
  };
  add("--assets", settings.assets.empty() ? "" : fs::absolute(settings.assets).string());
  add("--toolsets", settings.toolsets);
  add("--claude", settings.claude);
  add("--mcp-config",
      settings.mcp_config.empty() ? "" : fs::absolute(settings.mcp_config).string());
  for (const std::string& root : settings.document_roots)
    add("--document-root", fs::absolute(root).string());
  add("--public-url", settings.public_url);
  add("--embeddings-url", settings.embeddings.url);
  if (!settings.embeddings.url.empty()) add("--embeddings-wire", settings.embeddings.wire);
  add("--embeddings-model", settings.embeddings.model);
  add("--embeddings-key-env", settings.embeddings.key_environment);
  add("--embeddings-ca-file", settings.embeddings.ca_file.empty()
                                  ? ""
                                  : fs::absolute(settings.embeddings.ca_file).string());
  if (settings.embeddings.dimensions > 0)
    add("--embeddings-dimensions", std::to_string(settings.embeddings.dimensions));
  add("--children-max", std::to_string(settings.children_max));
  add("--depth-max", std::to_string(settings.depth_max));
  add("--route-embeddings", settings.route_embeddings);
  add("--route-cache-ttl", std::to_string(settings.route_cache_ttl_s));
  add("--route-judge", settings.route_judge);
  add("--route-judge-wait", std::to_string(settings.route_judge_wait_s));
  add("--route-judges-max", std::to_string(settings.route_judges_max));
  add("--route-start-wait", std::to_string(settings.route_start_wait_s));
  for (std::string& word : documentArguments(settings.documents))
    arguments.push_back(std::move(word));
  return arguments;
}

std::string withoutLastSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool HttpSettings::beyondThisMachine() const {
  const bool loopback = host == "localhost" || host == "::1" || host.starts_with("127.");
  return socket_path.empty() && !loopback;
}

Result<std::string> bearerToken(const HttpSettings& http) {
  const auto bad = [](std::string message, std::string hint) {
    return Error(Code::InvalidArgument, std::move(message), std::move(hint)).named("token");
  };
  std::string token = http.token;
  if (!http.token_file.empty()) {
    if (!token.empty())
      return bad("--token-file is given, and --token or TUTTI_TOKEN too", "give one of them");
    auto content = readFile(http.token_file, kTokenFileBytesMax);
    if (!content.ok()) return std::move(content).error();
    token = content->substr(0, content->find_first_of("\r\n"));
    if (token.empty())
      return bad("the first line of '" + http.token_file + "' is empty", "write the token there");
  }
  if (token.find_first_not_of(kTokenCharacters) != token.npos)
    return bad("the token has characters that cannot be sent as a bearer token",
               "use letters, digits and -._~+/=, as in: openssl rand -hex 32");
  if (token.empty() && http.beyondThisMachine() && !http.no_token)
    return Error(Code::FailedPrecondition,
                 "'" + http.host +
                     "' can be reached from other machines, and whoever reaches it "
                     "can run programs here",
                 "give --token-file, or --no-token if something in front of tutti checks who calls")
        .named("token_needed");
  return token;
}

}  // namespace tutti::cli
