#include "tools/doc_edit.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

Json toldEdit(const Context& context, const documents::Edited& edited) {
  Json said = told(context, edited.document);
  if (edited.replacements_made) said["replacements_made"] = *edited.replacements_made;
  if (edited.edit_range)
    said["edit_range"] = {{"offset", edited.edit_range->offset},
                          {"old_length", edited.edit_range->old_length},
                          {"new_length", edited.edit_range->new_length}};
  return said;
}

}  // namespace

void DocEdit::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  documents::EditRequest request;
  request.caller = documentCaller(call);
  request.ref.document_id = json::stringOr(arguments, "document_id", "");
  request.edit.new_string = json::stringOr(arguments, "new_string", "");
  if (json::find(arguments, "old_string") != nullptr)
    request.edit.old_string = json::stringOr(arguments, "old_string", "");
  request.edit.replace_all = json::booleanOr(arguments, "replace_all", false);
  request.edit.offset = optionalInteger(arguments, "offset");
  request.edit.length = optionalInteger(arguments, "length");
  request.note = json::stringOr(arguments, "note", "");
  request.expected_version = optionalInteger(arguments, "expected_version");
  request.idempotency_key = json::stringOr(arguments, "idempotency_key", "");
  context.documents->edit(std::move(request),
                          finishes<documents::Edited>(call, [&context](const auto& edited) {
                            return toldEdit(context, edited);
                          }));
}

}  // namespace tutti::tools
