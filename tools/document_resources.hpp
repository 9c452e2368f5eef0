// Shared documents as resources.
#pragma once

#include "server/base/result.hpp"
#include "server/mcp/server.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// Adds tutti://documents (those the caller may see, the newest first, in pages of 1000: `next` is
/// the URI of the page behind) and the template tutti://doc/{document_id}; ids are completed by the
/// beginning of the id or of the document's name. ResourceWatch tells their subscribers of changes;
/// to watch one that is not there, or not for the caller, is refused as to read it is. `context`
/// must outlive the server's last call. Errors: those of addResource(), addTemplate().
Status addDocumentResources(mcp::Server& server, const Context& context);

}  // namespace tutti::tools
