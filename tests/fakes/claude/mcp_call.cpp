#include "tests/fakes/claude/mcp_call.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

namespace fake_claude {
namespace {

using Json = nlohmann::json;

struct Child {
  pid_t pid = -1;
  FILE* to = nullptr;
  FILE* from = nullptr;
};

[[noreturn]] void become(const Json& entry) {
  const Json env = entry.value("env", Json::object());
  for (const auto& [name, value] : env.items())
    setenv(name.c_str(), value.get<std::string>().c_str(), 1);
  std::vector<std::string> words = {entry.at("command").get<std::string>()};
  const Json args = entry.value("args", Json::array());
  for (const auto& word : args) words.push_back(word.get<std::string>());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  std::_Exit(127);
}

Child start(const Json& entry) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe(in.data()) != 0 || pipe(out.data()) != 0) return {};
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    for (const int fd : {in[0], in[1], out[0], out[1]}) close(fd);
    become(entry);
  }
  close(in[0]);
  close(out[1]);
  return Child{pid, fdopen(in[1], "w"), fdopen(out[0], "r")};
}

void send(const Child& child, const Json& message) {
  const std::string line = message.dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), child.to);
  std::fflush(child.to);
}

// Reads up to the reply with this id; notifications on the way are dropped.
Json reply(const Child& child, int id) {
  char* line = nullptr;
  std::size_t room = 0;
  Json found;
  while (getline(&line, &room, child.from) > 0) {
    const Json message = Json::parse(line, nullptr, false);
    if (!message.is_object() || !message.contains("id") || message["id"] != id) continue;
    found = message;
    break;
  }
  std::free(line);
  return found;
}

Json request(int id, const char* method, Json params) {
  return Json::object(
      {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
}

std::string readable(const Json& message) {
  if (!message.is_object()) return "mcp error: the server closed its output";
  if (message.contains("error")) return "mcp error: " + message["error"].dump();
  const Json& result = message["result"];
  if (result.contains("structuredContent")) return result["structuredContent"].dump();
  const Json content = result.value("content", Json::array());
  for (const auto& block : content)
    if (block.value("type", "") == "text") return block.value("text", "");
  return result.dump();
}

}  // namespace

std::string callMcpTool(const std::string& config, const std::string& server,
                        const std::string& tool, const std::string& arguments) {
  const Json servers = Json::parse(config, nullptr, false);
  const Json input = Json::parse(arguments.empty() ? "{}" : arguments, nullptr, false);
  if (!servers.is_object() || !servers.contains("mcpServers") ||
      !servers["mcpServers"].contains(server))
    return "mcp error: no server '" + server + "' in --mcp-config";
  if (!input.is_object()) return "mcp error: arguments are not a JSON object";

  const Child child = start(servers["mcpServers"][server]);
  if (child.pid < 0) return "mcp error: cannot start the server";
  Json client = Json::object({{"name", "fake-claude"}, {"version", "1"}});
  Json hello = Json::object({{"protocolVersion", "2025-11-25"},
                             {"capabilities", Json::object()},
                             {"clientInfo", std::move(client)}});
  send(child, request(1, "initialize", std::move(hello)));
  reply(child, 1);
  send(child, Json::object({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}));
  send(child, request(2, "tools/call", Json::object({{"name", tool}, {"arguments", input}})));
  const std::string text = readable(reply(child, 2));
  std::fclose(child.to);
  std::fclose(child.from);
  waitpid(child.pid, nullptr, 0);
  return text;
}

}  // namespace fake_claude
