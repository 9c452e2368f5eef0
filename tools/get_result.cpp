#include "tools/get_result.hpp"

#include "tools/await_run.hpp"

namespace tutti::tools {

void GetResult::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  AwaitRun request;
  request.session_id = json::stringOr(arguments, "session_id", "");
  request.run_id = json::stringOr(arguments, "run_id", "");
  // Not in the schema: a choice at its root is refused by every model's provider.
  if (request.session_id.empty() && request.run_id.empty())
    return call->finish(Error(Code::InvalidArgument, "neither session_id nor run_id is given",
                              "give one of the two; list_sessions shows which there are")
                            .named("invalid_arguments"));
  request.limit = toMillis(json::numberOr(arguments, "wait_s", 25));
  request.window.offset = json::integerOr(arguments, "offset", 0);
  request.window.size_max = json::integerOr(arguments, "max_chars", 50'000);
  awaitRun(context, call, std::move(request));
}

}  // namespace tutti::tools
