// What of tutti can be read and watched by its URI.
#pragma once

#include "server/base/result.hpp"
#include "server/mcp/server.hpp"
#include "server/store/notifier.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// Adds tutti://sessions, tutti://blueprints, and by template tutti://session/{session_id}, its
/// /events, /transcript and /result, and tutti://blueprint/{name}; ids and names are completed.
/// `context` must outlive the server's last call. Errors: those of addResource() and addTemplate().
Status addResources(mcp::Server& server, const Context& context);

/// Tells clients that watch a session's resources when it has something new, whichever process
/// wrote it; of a document only those that may see it when it changes. A session may be watched by
/// a name before it is there; a document, whose id nobody knows before, may not. Runs on the I/O
/// thread only.
class ResourceWatch {
 public:
  ResourceWatch(mcp::Server& server, const Context& context, store::Notifier& notifier);
  ~ResourceWatch();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::tools
