#include "server/toolhost/config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/text.hpp"
#include "server/rpc/scan.hpp"

namespace tutti::toolhost {
namespace {

constexpr std::size_t kFileBytesMax = 1U << 20;
constexpr std::size_t kServersMax = 64;
constexpr std::size_t kSecretLengthMin = 4;  // what is shorter would hide half of every text

/// What a child needs to run at all; everything else it gets only by name.
constexpr const char* kInherited[] = {
    "PATH", "HOME",    "LANG",  "LC_ALL",         "LC_CTYPE",        "TMPDIR",       "TZ",
    "USER", "LOGNAME", "SHELL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"};

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Error bad(std::string message, std::string hint = {}) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint))
      .named("invalid_mcp_config");
}

bool isName(std::string_view name) {
  return !name.empty() && name.find_first_not_of(
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                              "0123456789_") == std::string_view::npos;
}

/// Reads one server of the file.
class Reader {
 public:
  Reader(const Json& entry, const Lookup& lookup, MountSpec& spec)
      : entry_(entry), lookup_(lookup), spec_(spec) {}

  Status read() {
    if (!entry_.is_object()) return bad("a server is an object");
    if (Status kind = readKind(); !kind.ok()) return kind;
    if (Status way = spec_.kind == MountSpec::Kind::Stdio ? readCommand() : readUrl(); !way.ok())
      return way;
    const Json* own = json::find(entry_, "tutti");
    return own == nullptr ? inherit(Json()) : readOwn(*own);
  }

 private:
  /// Replaces references; remembers what they gave.
  Result<std::string> expanded(const std::string& text) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t open = text.find("${"); open != text.npos; open = text.find("${", at)) {
      const std::size_t close = text.find('}', open);
      if (close == text.npos) break;
      out.append(text, at, open - at);
      const std::string inside = text.substr(open + 2, close - open - 2);
      const std::size_t colon = inside.find(":-");
      const std::string name = inside.substr(0, colon);
      if (!isName(name)) return bad("'${" + inside + "}' names no variable");
      const auto value = lookup_(name);
      if (!value && colon == inside.npos)
        return bad("the variable " + name + " is not set",
                   "set it for tutti, or write ${" + name + ":-otherwise}");
      if (value && value->size() >= kSecretLengthMin) spec_.secrets.push_back(*value);
      out += value ? *value : inside.substr(colon + 2);
      at = close + 1;
    }
    return out.append(text, at);
  }

  Status readKind() {
    auto type = json::readString(entry_, "type");
    if (!type.ok()) return std::move(type).error();
    const bool has_url = json::find(entry_, "url") != nullptr;
    const std::string kind = type->value_or(has_url ? "http" : "stdio");
    if (kind == "stdio") {
      spec_.kind = MountSpec::Kind::Stdio;
    } else if (kind == "http" || kind == "streamable-http" || kind == "sse") {
      spec_.kind = MountSpec::Kind::Http;
      spec_.old_sse = kind == "sse";
    } else {
      return bad("type '" + shortened(kind, 32) + "' is not mounted", "use stdio, http or sse");
    }
    return ok();
  }

  Status readCommand() {
    auto command = json::readString(entry_, "command");
    if (!command.ok()) return std::move(command).error();
    if (!*command || (*command)->empty()) return bad("'command' is missing");
    auto expanded_command = expanded(**command);
    if (!expanded_command.ok()) return std::move(expanded_command).error();
    spec_.command = std::move(*expanded_command);
    auto arguments = json::readStrings(entry_, "args");
    if (!arguments.ok()) return std::move(arguments).error();
    if (*arguments)
      for (const std::string& argument : **arguments) {
        auto value = expanded(argument);
        if (!value.ok()) return std::move(value).error();
        spec_.arguments.push_back(std::move(*value));
      }
    auto folder = json::readString(entry_, "cwd");
    if (!folder.ok()) return std::move(folder).error();
    spec_.folder = folder->value_or("");
    return ok();
  }

  Status readUrl() {
    auto url = json::readString(entry_, "url");
    if (!url.ok()) return std::move(url).error();
    if (!*url || (*url)->empty()) return bad("'url' is missing");
    auto value = expanded(**url);
    if (!value.ok()) return std::move(value).error();
    spec_.url = std::move(*value);
    return readPairs("headers", [this](const std::string& key, std::string text) {
      spec_.headers.emplace_back(key, std::move(text));
    });
  }

  /// An object of strings, expanded.
  Status readPairs(const char* key,
                   const std::function<void(const std::string&, std::string)>& take) {
    const Json* pairs = json::find(entry_, key);
    if (pairs == nullptr) return ok();
    if (!pairs->is_object()) return bad(std::string("'") + key + "' must be an object of strings");
    for (const auto& [name, value] : pairs->items()) {
      if (!value.is_string())
        return bad(std::string("'") + key + "." + name + "' must be a string");
      auto text = expanded(value.get_ref<const std::string&>());
      if (!text.ok()) return std::move(text).error();
      take(name, std::move(*text));
    }
    return ok();
  }

  Status inherit(const Json& names) {
    std::map<std::string, std::string> environment;
    const auto take = [&](const std::string& name) {
      if (const auto value = lookup_(name)) environment[name] = *value;
    };
    for (const char* name : kInherited) take(name);
    if (!names.is_null())
      for (const Json& name : names) {
        take(name.get<std::string>());
        const auto value = lookup_(name.get<std::string>());
        if (value && value->size() >= kSecretLengthMin) spec_.secrets.push_back(*value);
      }
    const Status given = readPairs("env", [&](const std::string& key, std::string value) {
      environment[key] = std::move(value);
    });
    if (!given.ok()) return given;
    for (const auto& [name, value] : environment) {
      if (name.empty() || name.find('=') != name.npos)
        return bad("'env." + shortened(name, 64) + "' is no name of a variable");
      spec_.environment.push_back(name + "=" + value);
    }
    return ok();
  }

  Status readOwn(const Json& own) {
    constexpr std::string_view kKnown[] = {"tools", "prompts", "resources", "timeout_s",
                                           "env",   "limits",  "share",     "ca_file"};
    if (!own.is_object()) return bad("'tutti' must be an object");
    for (const auto& [key, value] : own.items())
      if (std::find(std::begin(kKnown), std::end(kKnown), key) == std::end(kKnown))
        return bad("'tutti." + shortened(key, 64) + "' is unknown",
                   "known are tools, prompts, resources, timeout_s, env, limits, share, ca_file");
    auto names = json::readStrings(own, "env");
    if (!names.ok()) return bad("'tutti.env' must be a list of names of variables");
    if (Status taken = inherit(*names ? Json(**names) : Json()); !taken.ok()) return taken;
    auto share = json::readBoolean(own, "share");
    if (!share.ok()) return std::move(share).error();
    spec_.share = share->value_or(spec_.share);
    auto ca_file = json::readString(own, "ca_file");
    if (!ca_file.ok()) return std::move(ca_file).error();
    auto ca_path = expanded(ca_file->value_or(""));
    if (!ca_path.ok()) return std::move(ca_path).error();
    spec_.ca_file = std::move(*ca_path);
    auto timeout = json::readNumber(own, "timeout_s");
    if (!timeout.ok()) return std::move(timeout).error();
    spec_.timeout_s = timeout->value_or(spec_.timeout_s);
    constexpr double kTimeoutMaxS = 3600;
    if (!(spec_.timeout_s > 0 && spec_.timeout_s <= kTimeoutMaxS))
      return bad("'tutti.timeout_s' must be above 0 and at most 3600");
    if (Status tools = readFilter(own, "tools", spec_.tools); !tools.ok()) return tools;
    if (Status prompts = readFilter(own, "prompts", spec_.prompts); !prompts.ok()) return prompts;
    if (Status resources = readFilter(own, "resources", spec_.resources); !resources.ok())
      return resources;
    if (!spec_.resources.rename.empty())
      return bad("'tutti.resources.rename' is unknown", "a URI stays what it is");
    return readLimits(json::find(own, "limits"));
  }

  Status readFilter(const Json& own, const std::string& key, Filter& filter) {
    const Json* given = json::find(own, key);
    if (given == nullptr) return ok();
    const std::string where = "'tutti." + key;
    if (!given->is_object()) return bad(where + "' must be an object");
    auto allow = json::readStrings(*given, "allow");
    auto deny = json::readStrings(*given, "deny");
    if (!allow.ok()) return std::move(allow).error();
    if (!deny.ok()) return std::move(deny).error();
    filter.allow = allow->value_or(std::vector<std::string>{});
    filter.deny = deny->value_or(std::vector<std::string>{});
    // An empty list of what is allowed allows nothing.
    if (*allow && (*allow)->empty()) filter.deny = {"*"};
    const Json* rename = json::find(*given, "rename");
    if (rename == nullptr) return ok();
    if (!rename->is_object()) return bad(where + ".rename' must be an object of strings");
    for (const auto& [from, to] : rename->items()) {
      if (!to.is_string() || to.get_ref<const std::string&>().empty())
        return bad(where + ".rename." + shortened(from, 64) + "' must be a name");
      filter.rename[from] = to.get<std::string>();
    }
    return ok();
  }

  Status readLimits(const Json* limits) {
    if (limits == nullptr) return ok();
    if (!limits->is_object()) return bad("'tutti.limits' must be an object");
    ProcessLimits& process = spec_.limits.process;
    std::int64_t in_flight = static_cast<std::int64_t>(spec_.limits.in_flight_max);
    std::int64_t message_mb = 16;
    std::int64_t tools = static_cast<std::int64_t>(spec_.limits.tools_max);
    std::int64_t prompts = static_cast<std::int64_t>(spec_.limits.prompts_max);
    std::int64_t resources = static_cast<std::int64_t>(spec_.limits.resources_max);
    const std::pair<const char*, std::int64_t*> known[] = {{"memory_mb", &process.memory_mb},
                                                           {"open_files", &process.open_files},
                                                           {"cpu_s", &process.cpu_s},
                                                           {"file_mb", &process.file_mb},
                                                           {"in_flight_max", &in_flight},
                                                           {"message_mb", &message_mb},
                                                           {"tools_max", &tools},
                                                           {"prompts_max", &prompts},
                                                           {"resources_max", &resources}};
    for (const auto& [key, value] : limits->items()) {
      const auto* found =
          std::find_if(std::begin(known), std::end(known),
                       [&key = key](const auto& each) { return key == each.first; });
      if (found == std::end(known))
        return bad("'tutti.limits." + shortened(key, 64) + "' is unknown");
      auto number = json::readInteger(*limits, key);
      constexpr std::int64_t kMost = 1 << 20;
      if (!number.ok() || !*number || **number < 1 || **number > kMost)
        return bad("'tutti.limits." + key + "' must be an integer from 1 to " +
                   std::to_string(kMost));
      *found->second = **number;
    }
    constexpr std::int64_t kMessageMostMb = 1024;
    spec_.limits.in_flight_max = static_cast<std::size_t>(in_flight);
    spec_.limits.message_bytes_max =
        static_cast<std::size_t>(std::min(message_mb, kMessageMostMb)) * 1024 * 1024;
    spec_.limits.tools_max = static_cast<std::size_t>(tools);
    spec_.limits.prompts_max = static_cast<std::size_t>(prompts);
    spec_.limits.resources_max = static_cast<std::size_t>(resources);
    return ok();
  }

  const Json& entry_;
  const Lookup& lookup_;
  MountSpec& spec_;
};

/// Files are named as seen from the file of servers. What is shared runs for processes of many
/// folders, so it runs where its file is.
void placeFiles(std::vector<MountSpec>& specs, const std::filesystem::path& file) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  for (MountSpec& spec : specs) {
    if (!spec.ca_file.empty()) spec.ca_file = (folder / spec.ca_file).lexically_normal().string();
    spec.share = spec.share && spec.kind == MountSpec::Kind::Stdio;
    if (spec.share) spec.folder = (folder / spec.folder).lexically_normal().string();
  }
}

/// The keys of `mcpServers` in the order of the file, which a parsed object has lost.
std::vector<std::string> namesInOrder(std::string_view text) {
  const std::string_view servers = rpc::memberSpan(text, "mcpServers");
  std::vector<std::string> names;
  std::size_t at = 1;
  for (;;) {
    const std::size_t open = servers.find('"', at);
    if (open == servers.npos) return names;
    std::size_t close = open + 1;
    while (servers[close] != '"') close += servers[close] == '\\' ? 2 : 1;
    auto name = json::parse(servers.substr(open, close + 1 - open));
    if (name.ok() && name->is_string()) names.push_back(name->get<std::string>());
    const std::size_t colon = servers.find(':', close);
    at = rpc::valueEnd(servers, servers.find_first_not_of(" \t\r\n", colon + 1));
  }
}

}  // namespace

bool Filter::allows(std::string_view name) const {
  const auto hits = [name](const std::string& pattern) { return matches(pattern, name); };
  if (std::any_of(deny.begin(), deny.end(), hits)) return false;
  return allow.empty() || std::any_of(allow.begin(), allow.end(), hits);
}

const std::string& Filter::nameOf(const std::string& name) const {
  const auto found = rename.find(name);
  return found == rename.end() ? name : found->second;
}

Result<std::vector<MountSpec>> parseMountConfig(std::string_view text, const Lookup& lookup) {
  auto config = json::parse(text);
  if (!config.ok()) return bad("it is no JSON: " + config.error().message());
  const Json* servers = json::find(*config, "mcpServers");
  if (servers == nullptr || !servers->is_object())
    return bad("it has no object 'mcpServers'",
               R"(write {"mcpServers":{"name":{"command":"…"}}}, as for Claude Code)");
  if (servers->size() > kServersMax)
    return bad("it has more than " + std::to_string(kServersMax) + " servers (servers_max)");
  std::vector<MountSpec> specs;
  for (const std::string& name : namesInOrder(text)) {
    MountSpec spec;
    spec.name = name;
    const Status read = Reader((*servers)[name], lookup, spec).read();
    if (name.empty()) spec.problem = "a server needs a name";
    if (!read.ok()) spec.problem = read.error().text();
    specs.push_back(std::move(spec));
  }
  return specs;
}

Result<std::vector<MountSpec>> readMountConfig(const std::filesystem::path& file,
                                               const Lookup& lookup) {
  auto text = readFile(file, kFileBytesMax);
  if (!text.ok()) return std::move(text).error();
  auto specs = parseMountConfig(*text, lookup);
  if (specs.ok()) {
    placeFiles(*specs, file);
    return specs;
  }
  return bad("the file of MCP servers '" + file.string() + "': " + specs.error().message(),
             specs.error().hint());
}

}  // namespace tutti::toolhost
