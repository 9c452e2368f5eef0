#include "tools/doc_pull.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {

void DocPull::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  documents::PullRequest pull;
  pull.caller = documentCaller(call);
  pull.ref.document_id = json::stringOr(arguments, "document_id", "");
  pull.version = json::integerOr(arguments, "version", 0);
  pull.path = json::stringOr(arguments, "output_path", "");
  pull.overwrite = json::booleanOr(arguments, "overwrite", false);
  context.documents->pull(std::move(pull),
                          finishes<documents::Pulled>(call, [](const documents::Pulled& pulled) {
                            return Json::object({{"document_id", pulled.document.id},
                                                 {"filename", pulled.document.filename},
                                                 {"file_path", pulled.path.string()},
                                                 {"size_bytes", pulled.size_bytes}});
                          }));
}

}  // namespace tutti::tools
