// Shared documents as resources.
#pragma once

#include "server/base/result.hpp"
#include "server/mcp/server.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// Adds tutti://documents (those the caller may see, the newest first) and the template
/// tutti://doc/{document_id}; ids are completed. ResourceWatch tells their subscribers of changes.
/// `context` must outlive the server's last call. Errors: those of addResource(), addTemplate().
Status addDocumentResources(mcp::Server& server, const Context& context);

}  // namespace tutti::tools
