// The context store's limits and its retention as options: one table from which the command line,
// the environment and the arguments of another tutti come.
#pragma once

#include <string>
#include <vector>

#include "server/documents/service.hpp"

namespace CLI {
class App;
}

namespace tutti::cli {

/// Adds --document-… for each limit, with TUTTI_DOCUMENT_… of the same name; they are read into
/// `options`, which outlives the parse.
void addDocumentOptions(CLI::App& app, documents::ServiceOptions& options);

/// The arguments that say what in `options` is otherwise than it would be without them: than by
/// default, or than the environment may have it.
std::vector<std::string> documentArguments(const documents::ServiceOptions& options);

}  // namespace tutti::cli
