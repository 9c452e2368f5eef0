// What every tool works with, and the ways across to the store and back.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "server/agents/blueprint.hpp"
#include "server/mcp/tool.hpp"
#include "server/runner/supervisor.hpp"
#include "server/runner/waiter.hpp"
#include "server/store/store.hpp"

namespace tutti::toolhost {
class ToolHost;
}

namespace tutti::documents {
class DocumentService;
}
namespace tutti::search {
class DocumentSearch;
}
namespace tutti::routing {
class Router;
}

namespace tutti::tools {

using CallPtr = std::shared_ptr<mcp::ToolCall>;

/// Whether and how an agent is asked about routing's close calls.
struct RouteJudge {
  std::string blueprint = {};       ///< "": nobody is asked but for a call that wants it
  std::chrono::seconds wait{45};    ///< for a verdict; then the judge is stopped
  std::int64_t judges_max = 4;      ///< at work at once, of the whole store
  std::chrono::seconds kept{3600};  ///< how long a verdict is one on the same question
};

/// The parts that tools use. Owned by the application; outlives every call.
struct Context {
  store::Store& store;
  runner::Waiter& waiter;
  runner::Supervisor& supervisor;
  agents::BlueprintCatalog& catalog;
  std::string working_folder;                       ///< of agents whose project_dir is not given
  std::function<void(std::function<void()>)> post;  ///< runs a function on the I/O thread
  std::chrono::milliseconds progress_every;       ///< how often a waiting call gives a sign of life
  const toolhost::ToolHost* tool_host = nullptr;  ///< null when nothing is mounted
  documents::DocumentService* documents = nullptr;  ///< null without the document toolsets
  search::DocumentSearch* search = nullptr;         ///< null without the document toolsets
  routing::Router* router = nullptr;                ///< null without the toolset routing
  std::string documents_url = {};  ///< of the server that serves them by HTTP; empty: there is none
  RouteJudge route_judge = {};
};

// What `done` of a store's operation holds is moved on to the I/O thread and never copied: a call
// must not be let go of on the store's thread.

/// Reads on a reader's thread and finishes the call with what `work` returns.
void finishWithRead(const Context& context, const CallPtr& call,
                    std::function<Result<Json>(store::Connection&)> work);

/// Writes, and after the commit runs `then` on the I/O thread with what `work` returned.
template <class T>
void write(const Context& context, std::function<Result<T>(store::Tx&)> work,
           std::function<void(Result<T>)> then) {
  auto outcome = std::make_shared<std::optional<T>>();
  context.store.write(
      [work = std::move(work), outcome](store::Tx& tx) -> Status {
        Result<T> made = work(tx);
        if (!made.ok()) return std::move(made).error();
        outcome->emplace(std::move(*made));
        return ok();
      },
      [post = context.post, then = std::move(then), outcome](Status status) mutable {
        post([then = std::move(then), outcome, status = std::move(status)] {
          if (!status.ok()) return then(status.error());
          then(std::move(**outcome));
        });
      });
}

/// Seconds, as a tool's argument gives them, in milliseconds.
std::chrono::milliseconds toMillis(double seconds);

}  // namespace tutti::tools
