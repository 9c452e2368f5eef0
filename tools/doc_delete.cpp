#include "tools/doc_delete.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {

void DocDelete::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  documents::Deletion deletion;
  deletion.ref.document_id = json::stringOr(arguments, "document_id", "");
  deletion.expected_version = optionalInteger(arguments, "expected_version");
  context.documents->remove(
      documentCaller(call), std::move(deletion),
      finishes<std::vector<std::string>>(
          call,
          [](const std::vector<std::string>& ids) {
            return Json::object(
                {{"success", true},
                 {"message", "Deleted " + std::to_string(ids.size()) + " document(s)"},
                 {"deleted_document_ids", ids}});
          }),
      json::stringOr(arguments, "idempotency_key", ""));
}

}  // namespace tutti::tools
