#include "tools/context.hpp"

#include <nlohmann/json.hpp>

namespace tutti::tools {

void finishWithRead(const Context& context, const CallPtr& call,
                    std::function<Result<Json>(store::Connection&)> work) {
  auto answer = std::make_shared<Result<Json>>(Json());
  context.store.read(
      [work = std::move(work), answer](store::Connection& db) -> Status {
        *answer = work(db);
        return ok();
      },
      [post = context.post, call = call, answer](Status status) mutable {
        post([call = std::move(call), answer, status = std::move(status)] {
          if (!status.ok()) return call->finish(status.error());
          if (!answer->ok()) return call->finish(answer->error());
          call->finish(mcp::ToolOutput{std::move(**answer), {}});
        });
      });
}

std::chrono::milliseconds toMillis(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000.0));
}

}  // namespace tutti::tools
