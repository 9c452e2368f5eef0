#include "tools/get_result.hpp"

#include "tools/await_run.hpp"

namespace tutti::tools {

void GetResult::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  AwaitRun request;
  request.session_id = json::stringOr(arguments, "session_id", "");
  request.run_id = json::stringOr(arguments, "run_id", "");
  request.limit = toMillis(json::numberOr(arguments, "wait_s", 25));
  request.window.offset = json::integerOr(arguments, "offset", 0);
  request.window.size_max = json::integerOr(arguments, "max_chars", 50'000);
  awaitRun(context, call, std::move(request));
}

}  // namespace tutti::tools
