// The client that the official conformance suite drives: one scenario a run, named in the
// environment, against the server whose URL is the last argument.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/base/digest.hpp"
#include "server/base/log.hpp"
#include "server/mcp/client/client.hpp"
#include "server/mcp/client/header_arguments.hpp"
#include "server/transport/http_client.hpp"

namespace tutti {
namespace {

namespace client = mcp::client;

std::string fromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// An answer to a form that a person accepts as it is: the defaults, and what stands in for typing.
Json accepted(const Json& params) {
  Json content = Json::object();
  const Json* schema = json::find(params, "requestedSchema");
  const Json* properties = schema == nullptr ? nullptr : json::find(*schema, "properties");
  if (properties != nullptr && properties->is_object())
    for (const auto& [name, property] : properties->items()) {
      const std::string type = json::stringOr(property, "type", "string");
      if (const Json* given = json::find(property, "default"))
        content[name] = *given;
      else if (type == "boolean")
        content[name] = true;
    }
  return Json::object({{"action", "accept"}, {"content", std::move(content)}});
}

/// Arguments that a tool's schema accepts.
Json argumentsFor(const Json& schema) {
  Json arguments = Json::object();
  const Json* properties = json::find(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return arguments;
  for (const auto& [name, property] : properties->items()) {
    const std::string type = json::stringOr(property, "type", "string");
    if (type == "number" || type == "integer") arguments[name] = 5;
    if (type == "string") arguments[name] = "test";
    if (type == "boolean") arguments[name] = true;
    if (type == "object") arguments[name] = Json::object();
    if (type == "array") arguments[name] = Json::array();
  }
  return arguments;
}

std::string sha256Hex(const std::string& text) {
  std::string hex;
  for (const char c : sha256(text)) {
    const auto byte = static_cast<unsigned char>(c);
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

/// Does the file's front matter say, line by line, what its entry says? Plain `key: value` lines.
bool hasFrontmatter(const std::string& text, const Json& expected) {
  Json found = Json::object();
  std::size_t at = text.find('\n') + 1;
  while (at < text.size() && text.compare(at, 3, "---") != 0) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    if (colon != line.npos) found[line.substr(0, colon)] = line.substr(colon + 2);
    if (end == text.npos) break;
    at = end + 1;
  }
  return found == expected;
}

class Run final : public client::Events {
 public:
  int play(const std::string& url) {
    auto channel = transport::HttpClient::create(io_, {.url = url});
    if (!channel.ok()) return say(channel.error());
    channel_ = std::move(*channel);
    client::Options options;
    options.name = "tutti-conformance-client";
    options.version = "1.0.0";
    options.sampling = options.elicit_form = options.roots = true;
    client_.emplace(*channel_, options, *this);
    channel_->start(*client_);
    client_->start();
    if (!until([this] { return ready_ || lost_; }) || lost_) return say(*lost_);
    const int status = scenario();
    client_.reset();
    channel_->stop();  // a session is ended, for which the loop still has to run
    io_.restart();
    io_.run_for(std::chrono::milliseconds(200));
    return status;
  }

 private:
  void onReady() override { ready_ = true; }
  void onLost(const Error& error) override { lost_ = error; }
  void onAsked(std::shared_ptr<client::Question> question) override {
    switch (question->method()) {
      case client::Question::Method::Elicit:
        return question->answer(accepted(question->params()));
      case client::Question::Method::ListRoots:
        return question->answer(Json::object({{"roots", Json::array()}}));
      case client::Question::Method::Sample:
        return question->answer(Json::object(
            {{"role", "assistant"},
             {"model", "none"},
             {"content", Json::object({{"type", "text"}, {"text", "a model's words"}})}}));
    }
  }

  static int say(const Error& error) {
    std::fprintf(stderr, "%s\n", error.text().c_str());
    return 1;
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(25);
    while (!condition() && std::chrono::steady_clock::now() < limit) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(50));
    }
    return condition();
  }

  struct Tool {
    std::string name;
    Json schema;
    std::vector<mcp::HeaderParameter> headers;
  };
  /// Those that may be used: a mark for headers that cannot be rules a tool out.
  std::vector<Tool> tools() {
    std::vector<Tool> usable;
    bool done = false;
    client_->list(client::ListKind::Tools, [&](Result<std::vector<client::ListEntry>> list) {
      done = true;
      if (!list.ok()) return;
      for (const client::ListEntry& entry : *list) {
        const Json* schema = json::find(entry.value, "inputSchema");
        if (schema == nullptr) continue;
        auto headers = mcp::headerParameters(*schema);
        if (headers.ok())
          usable.push_back({json::stringOr(entry.value, "name", ""), *schema, std::move(*headers)});
      }
    });
    until([&] { return done; });
    return usable;
  }
  void call(const Tool& tool, Json arguments) {
    client::CallOptions options;
    options.header_params = client::headerArguments(tool.headers, arguments);
    finish([&](client::Done done) {
      client_->call({tool.name, std::move(arguments)}, std::move(options), std::move(done));
    });
  }
  /// Waits for what `begin` asks; its result, or null.
  Json finish(const std::function<void(client::Done)>& begin) {
    Json value;
    bool done = false;
    begin([&](Result<client::Reply> reply) {
      done = true;
      if (reply.ok()) value = reply->value;
      if (!reply.ok()) say(reply.error());
    });
    until([&] { return done; });
    return value;
  }

  int scenario() {
    const std::string name = fromEnvironment("MCP_CONFORMANCE_SCENARIO");
    const std::vector<Tool> all = tools();
    if (name == "json-schema-2020-12-preservation") return echoSchema(all);
    if (name == "http-custom-headers") return callAsTold(all);
    if (name.starts_with("sep-2640-client-")) return loadSkills(name);
    for (const Tool& tool : all) call(tool, argumentsFor(tool.schema));
    if (name == "http-standard-headers") askForTheRest();
    return 0;
  }

  int echoSchema(const std::vector<Tool>& all) {
    for (const Tool& focal : all)
      for (const Tool& echo : all)
        if (echo.name == "json_schema_echo" && focal.name != echo.name)
          call(echo, Json::object({{"schema", focal.schema}}));
    return 0;
  }
  int callAsTold(const std::vector<Tool>& all) {
    const auto context = json::parse(fromEnvironment("MCP_CONFORMANCE_CONTEXT"));
    if (!context.ok()) return say(context.error());
    for (const Json& told : (*context)["toolCalls"])
      for (const Tool& tool : all)
        if (tool.name == json::stringOr(told, "name", "")) call(tool, told["arguments"]);
    return 0;
  }
  /// Lists the skills; loads the first one unless only listing is asked for. A file that is not
  /// what its entry says ends the loading.
  int loadSkills(const std::string& name) {
    const Json listed = finish([&](client::Done done) {
      client_->request("skills/list", Json::object(), {}, std::move(done));
    });
    const Json* skills = json::find(listed, "skills");
    if (skills == nullptr || skills->empty()) return 1;
    if (name == "sep-2640-client-no-prefetch") return 0;
    const Json& skill = skills->front();
    for (const Json& file : skill["resources"])
      if (!loadFile(file, skill["frontmatter"])) return 0;
    return 0;
  }
  bool loadFile(const Json& file, const Json& frontmatter) {
    const std::string uri = json::stringOr(file, "uri", "");
    const Json read =
        finish([&](client::Done done) { client_->readResource(uri, {}, std::move(done)); });
    const Json* contents = json::find(read, "contents");
    if (contents == nullptr || contents->empty()) return false;
    const std::string text = json::stringOr(contents->front(), "text", "");
    const bool whole =
        static_cast<std::int64_t>(text.size()) == json::integerOr(file, "size", -1) &&
        "sha256:" + sha256Hex(text) == json::stringOr(file, "digest", "");
    return whole && (!uri.ends_with("/SKILL.md") || hasFrontmatter(text, frontmatter));
  }

  void askForTheRest() {
    for (const auto kind : {client::ListKind::Resources, client::ListKind::Prompts}) {
      std::vector<client::ListEntry> entries;
      bool done = false;
      client_->list(kind, [&](Result<std::vector<client::ListEntry>> list) {
        done = true;
        if (list.ok()) entries = std::move(*list);
      });
      until([&] { return done; });
      for (const client::ListEntry& entry : entries)
        finish([&](client::Done then) {
          if (kind == client::ListKind::Resources)
            client_->readResource(json::stringOr(entry.value, "uri", ""), {}, std::move(then));
          else
            client_->getPrompt(json::stringOr(entry.value, "name", ""), Json::object(), {},
                               std::move(then));
        });
    }
  }

  boost::asio::io_context io_{1};
  std::unique_ptr<transport::HttpClient> channel_;
  std::optional<client::Client> client_;
  bool ready_ = false;
  std::optional<Error> lost_;
};

}  // namespace
}  // namespace tutti

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: conformance_client URL\n", stderr);
    return 2;
  }
  tutti::log::configure(tutti::log::Level::Warning);
  return tutti::Run().play(argv[argc - 1]);
}
