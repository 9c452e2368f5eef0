// `tutti call`: one tool call from a script.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "server/cli/commands.hpp"
#include "server/cli/local_client.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace {

Result<Json> argumentsOf(const CallRequest& request) {
  std::string text = request.arguments.empty() ? "{}" : request.arguments;
  if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  auto arguments = json::parse(text);
  if (!arguments.ok())
    return Error(Code::InvalidArgument, "the arguments are no JSON: " + arguments.error().message(),
                 "give one object, as in '{\"session_id\":\"ses_…\"}'");
  if (!arguments->is_object())
    return Error(Code::InvalidArgument, "the arguments are no JSON object",
                 "give one object, as in '{\"session_id\":\"ses_…\"}'");
  return arguments;
}

}  // namespace

int runCall(const Settings& settings, const CallRequest& request) {
  auto arguments = argumentsOf(request);
  if (!arguments.ok()) return printError(arguments.error());
  auto client = LocalClient::open(settings);
  if (!client.ok()) return printError(client.error());
  std::function<void(const std::string&)> progress;
  if (!request.quiet)
    progress = [](const std::string& message) { std::fprintf(stderr, "%s\n", message.c_str()); };
  // No tool of tutti's own has this in its name.
  const bool mounted = request.tool.find("__") != std::string::npos;
  if (mounted || request.tool == "list_tool_servers") (*client)->awaitMounts();
  const Answer answer = (*client)->call(request.tool, std::move(*arguments), progress);
  (*client)->close();
  if (!answer.error.is_null()) {
    printToolError(answer.error);
    // A tool's error has a word for a code; the protocol's (an unknown tool) has a number.
    const Json* code = json::find(answer.error, "code");
    return code != nullptr && code->is_number() ? 2 : 1;
  }
  return printJson(answer.result);
}

}  // namespace tutti::cli
