// What changes documents: new ones, new content, edits, descriptions, removal, restoring.
#include <nlohmann/json.hpp>

#include "server/rest/form_sink.hpp"
#include "server/rest/handlers.hpp"
#include "server/rest/header_fields.hpp"

namespace tutti::rest {
namespace {

using documents::Document;
using transport::HttpBodyPlan;

/// The store's own limit counts; this one only keeps a mistake from going on for ever.
constexpr std::uint64_t kUploadBytesMax = std::uint64_t{1} << 50;

Error invalidBody(std::string message, std::string name) {
  return Error(Code::InvalidArgument, std::move(message)).named(std::move(name));
}

/// A JSON object as AOF's routes without a model read it: 400 `Invalid JSON body` else.
HttpBodyPlan looseBody(const SharedCall& call, std::function<void(const Json&)> handle) {
  return HttpBodyPlan::whole(
      kJsonBodyBytesMax, [call, handle = std::move(handle)](const std::string& body) {
        const auto parsed = json::parse(body);
        if (!parsed.ok() || !parsed->is_object())
          return call->fail(invalidBody("Invalid JSON body", "invalid_json"));
        handle(*parsed);
      });
}

using Expected = std::optional<std::int64_t>;

/// `expected_version` of the query. False: it is no number, and the 422 has been sent.
bool readExpected(Call& call, Expected& expected) {
  ValidationErrors errors;
  QueryReader query(call.target, errors);
  expected = query.integer("expected_version", {0, {}});
  if (errors.empty()) return true;
  call.invalid(errors);
  return false;
}

/// Runs `then` unless the document is not there or not as the request demands.
void findFirst(const SharedCall& call, std::function<void(Document)> then) {
  call->service.find(call->caller, call->document(), call->demandsOfContent(),
                     call->then<Document>(std::move(then)));
}

void answerChanged(Call& call, const Document& document) {
  call.answer(200, call.documentJson(document), {{"ETag", documents::contentEtag(document)}});
}

/// The placeholder's body as AOF reads it, in its order.
Result<documents::CreateRequest> readPlaceholder(const Json& body) {
  documents::CreateRequest request;
  const auto filename = body.find("filename");
  if (filename == body.end()) return invalidBody("filename is required", "filename_required");
  if (!filename->is_string()) return invalidBody("filename must be a string", "filename_required");
  request.filename = filename->get<std::string>();
  if (const Json* tags = json::find(body, "tags")) {
    if (!tags->is_array()) return invalidBody("tags must be a list", "invalid_tag");
    for (const Json& tag : *tags) {
      if (!tag.is_string()) return invalidBody("tags must be a list of strings", "invalid_tag");
      request.tags.push_back(tag.get<std::string>());
    }
  }
  auto metadata = documents::metadataFrom(json::find(body, "metadata"));
  if (!metadata.ok()) return std::move(metadata).error();
  request.metadata = std::move(*metadata);
  if (std::string text = json::stringOr(body, "description", ""); !text.empty())
    request.metadata.emplace("description", std::move(text));
  request.content_type = json::stringOr(body, "content_type", "");
  return request;
}

HttpBodyPlan createPlaceholder(const SharedCall& call) {
  return looseBody(call, [call](const Json& body) {
    auto request = readPlaceholder(body);
    if (!request.ok()) return call->fail(request.error());
    request->caller = call->caller;
    request->place = call->place();
    request->idempotency_key = call->idempotency_key;
    call->service.create(std::move(*request), call->then<Document>([call](
                                                                       const Document& document) {
      call->answer(201, call->documentJson(document), {{"ETag", documents::contentEtag(document)}});
    }));
  });
}

/// The raw body of a PUT. It waits for what is known of the document, then for the store. With an
/// idempotency key the document says nothing: the answer to a repetition is known already.
class ContentSink final : public transport::HttpBodySink {
 public:
  explicit ContentSink(const SharedCall& call) : state_(std::make_shared<State>()) {
    state_->call = call;
    state_->feeder = std::make_shared<UploadFeeder>(
        call->service, [exchange = call->exchange] { exchange->resumeBody(); });
    if (!readExpected(*call, state_->expected)) return;
    state_->checked = !call->idempotency_key.empty();
    if (state_->checked) return;
    findFirst(call, [state = state_](const Document&) {
      state->checked = true;
      state->call->exchange->resumeBody();
      state->writeIfWhole();
    });
  }

  Flow data(std::string_view bytes) override {
    state_->feeder->add(bytes);
    if (const auto& refusal = state_->feeder->refusal()) {
      state_->call->fail(*refusal);
      return Flow::Go;
    }
    return state_->feeder->full() || !state_->checked ? Flow::Pause : Flow::Go;
  }
  void end() override {
    state_->feeder->finish([state = state_](Result<documents::ContentSource> content) {
      if (!content.ok()) return state->call->fail(content.error());
      state->content = std::move(*content);
      state->writeIfWhole();
    });
  }
  void cut(transport::HttpCut why) override { (void)why; }

 private:
  struct State {
    SharedCall call;
    std::shared_ptr<UploadFeeder> feeder;
    std::optional<documents::ContentSource> content;
    Expected expected;
    bool checked = false;

    void writeIfWhole() {
      if (!checked || !content) return;
      documents::WriteRequest request;
      request.caller = call->caller;
      request.ref = call->document();
      request.content = std::move(*content);
      request.expected_version = expected;
      request.idempotency_key = call->idempotency_key;
      request.precondition = call->demandsOfContent();
      if (const std::string* note = call->target.queryValue("note")) request.note = *note;
      call->service.write(std::move(request), call->then<documents::Changed>(
                                                  [call = call](const documents::Changed& changed) {
                                                    answerChanged(*call, changed.document);
                                                  }));
    }
  };
  std::shared_ptr<State> state_;
};

Result<documents::Edit> readEdit(const Json& body) {
  documents::Edit edit;
  if (!body.contains("new_string"))
    return invalidBody("new_string is required", "new_string_required");
  auto new_string = json::readString(body, "new_string");
  auto old_string = json::readString(body, "old_string");
  auto replace_all = json::readBoolean(body, "replace_all");
  auto offset = json::readInteger(body, "offset");
  auto length = json::readInteger(body, "length");
  if (!new_string.ok()) return std::move(new_string).error();
  if (!old_string.ok()) return std::move(old_string).error();
  if (!replace_all.ok()) return std::move(replace_all).error();
  if (!offset.ok()) return std::move(offset).error();
  if (!length.ok()) return std::move(length).error();
  edit.new_string = new_string->value_or("");
  edit.old_string = std::move(*old_string);
  edit.replace_all = replace_all->value_or(false);
  edit.offset = *offset;
  edit.length = *length;
  return edit;
}

void answerEdited(Call& call, const documents::Edited& edited) {
  Json body = call.documentJson(edited.document);
  // AOF leaves these two out here.
  body.erase("relations");
  if (body["partition"].is_null()) body.erase("partition");
  if (edited.replacements_made) body["replacements_made"] = *edited.replacements_made;
  if (edited.edit_range) {
    Json range = Json::object();
    range["offset"] = edited.edit_range->offset;
    range["old_length"] = edited.edit_range->old_length;
    range["new_length"] = edited.edit_range->new_length;
    body["edit_range"] = std::move(range);
  }
  call.answer(200, body, {{"ETag", documents::contentEtag(edited.document)}});
}

Result<documents::EditRequest> readEditRequest(const Call& call, const Json& body,
                                               Expected expected) {
  documents::EditRequest request;
  auto read = readEdit(body);
  auto stated = json::readInteger(body, "expected_version");
  if (!read.ok()) return std::move(read).error();
  if (!stated.ok()) return std::move(stated).error();
  request.caller = call.caller;
  request.ref = call.document();
  request.edit = std::move(*read);
  request.note = json::stringOr(body, "note", "");
  request.expected_version = *stated ? *stated : expected;
  request.idempotency_key = call.idempotency_key;
  request.precondition = call.demandsOfContent();
  return request;
}

void edit(const SharedCall& call, Result<documents::EditRequest> request) {
  if (!request.ok()) return call->fail(request.error());
  call->service.edit(std::move(*request),
                     call->then<documents::Edited>(
                         [call](const documents::Edited& edited) { answerEdited(*call, edited); }));
}

void answerDeleted(Call& call, const std::vector<std::string>& ids) {
  Json body = Json::object();
  body["success"] = true;
  body["message"] = "Deleted " + std::to_string(ids.size()) + " document(s)";
  body["deleted_document_ids"] = ids;
  call.answer(200, body);
}

/// Absent members stay; in `metadata`, null removes.
Result<documents::MetadataChange> readMetadataChange(const Json& body) {
  documents::MetadataChange change;
  auto filename = json::readString(body, "filename");
  auto content_type = json::readString(body, "content_type");
  auto tags = json::readStrings(body, "tags");
  auto expected = json::readInteger(body, "expected_revision");
  if (!filename.ok()) return std::move(filename).error();
  if (!content_type.ok()) return std::move(content_type).error();
  if (!tags.ok()) return std::move(tags).error();
  if (!expected.ok()) return std::move(expected).error();
  change.filename = std::move(*filename);
  change.content_type = std::move(*content_type);
  change.tags = std::move(*tags);
  change.expected_revision = *expected;
  const Json* metadata = json::find(body, "metadata");
  if (metadata == nullptr) return change;
  if (!metadata->is_object()) return invalidBody("metadata must be an object", "invalid_metadata");
  for (const auto& [key, value] : metadata->items()) {
    if (!value.is_null() && !value.is_string())
      return invalidBody("metadata '" + key + "' must be a string or null", "invalid_metadata");
    change.metadata[key] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
  }
  return change;
}

}  // namespace

HttpBodyPlan createDocument(const SharedCall& call) {
  const std::string type = lowerAscii(call->content_type);
  if (type.find("application/json") != std::string::npos) return createPlaceholder(call);
  HttpBodyPlan plan;
  const auto boundary = multipartBoundary(call->content_type);
  if (!boundary.ok()) {
    const bool form = type.find("multipart/form-data") != std::string::npos;
    call->fail(form ? boundary.error() : invalidBody("file is required", "file_required"));
    return plan;
  }
  plan.bytes_max = kUploadBytesMax;
  plan.sink = std::make_unique<FormSink>(call, *boundary);
  return plan;
}

HttpBodyPlan putContent(const SharedCall& call) {
  HttpBodyPlan plan;
  plan.bytes_max = kUploadBytesMax;
  plan.sink = std::make_unique<ContentSink>(call);
  return plan;
}

HttpBodyPlan editContent(const SharedCall& call) {
  return HttpBodyPlan::whole(kJsonBodyBytesMax, [call](const std::string& text) {
    Expected expected;
    if (!readExpected(*call, expected)) return;
    const auto parsed = json::parse(text);
    Result<documents::EditRequest> request = invalidBody("Invalid JSON body", "invalid_json");
    if (parsed.ok() && parsed->is_object()) request = readEditRequest(*call, *parsed, expected);
    const bool repeatable = !call->idempotency_key.empty();
    if (repeatable && request.ok()) return edit(call, std::move(request));
    findFirst(call, [call, request = std::move(request)](const Document& document) {
      // Before what is wrong with the edit itself, as AOF has it; not before what is no JSON.
      const bool json = request.ok() || request.error().name() != "invalid_json";
      if (json && !documents::isTextType(document.content_type))
        return call->fail(invalidBody(
            "Edit only supported for text content types (got: " + document.content_type + ")",
            "not_text"));
      edit(call, request);
    });
  });
}

HttpBodyPlan deleteDocument(const SharedCall& call) {
  documents::Deletion deletion;
  deletion.ref = call->document();
  if (!readExpected(*call, deletion.expected_version)) return {};
  call->service.remove(
      call->caller, std::move(deletion),
      call->then<std::vector<std::string>>(
          [call](const std::vector<std::string>& ids) { answerDeleted(*call, ids); }),
      call->idempotency_key, call->demandsOfContent());
  return {};
}

HttpBodyPlan changeMetadata(const SharedCall& call) {
  return looseBody(call, [call](const Json& body) {
    auto change = readMetadataChange(body);
    if (!change.ok()) return call->fail(change.error());
    change->ref = call->document();
    call->service.changeMetadata(call->caller, std::move(*change),
                                 call->then<Document>([call](const Document& document) {
                                   call->answer(200, call->documentJson(document),
                                                {{"ETag", documents::revisionEtag(document)}});
                                 }),
                                 call->idempotency_key, call->demandsOfDescription());
  });
}

HttpBodyPlan restoreVersion(const SharedCall& call) {
  return jsonBody(call, [call](const Json& body, ValidationErrors& errors) {
    BodyReader reader(body, errors);
    documents::Restore restore;
    const auto version = reader.integer("version", {1, {}});
    if (!version && errors.empty())
      errors.add("missing", {"body", "version"}, "Field required", json::dump(body));
    restore.expected_version = reader.integer("expected_version", {0, {}});
    restore.note = reader.text("note").value_or("");
    if (!errors.empty()) return call->invalid(errors);
    restore.version = *version;
    Expected expected;
    if (!readExpected(*call, expected)) return;
    if (!restore.expected_version) restore.expected_version = expected;
    restore.ref = call->document();
    call->service.restore(call->caller, std::move(restore),
                          call->then<documents::Changed>([call](const documents::Changed& changed) {
                            answerChanged(*call, changed.document);
                          }),
                          call->idempotency_key, call->demandsOfContent());
  });
}

}  // namespace tutti::rest
