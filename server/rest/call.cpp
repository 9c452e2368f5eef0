#include "server/rest/call.hpp"

#include <nlohmann/json.hpp>

#include "server/base/text.hpp"

namespace tutti::rest {
namespace {

bool isAnyOf(std::string_view name, std::initializer_list<std::string_view> names) {
  for (const std::string_view known : names)
    if (name == known) return true;
  return false;
}

int statusOfInvalid(std::string_view name) {
  return name == "range_not_satisfiable" ? 416 : 400;
}

int statusOfExhausted(std::string_view name) {
  if (name == "disk_full") return 507;
  const bool content =
      isAnyOf(name, {"document_bytes_max", "edit_bytes_max", "content_too_large", "diff_bytes_max",
                     "part_head_bytes_max", "parts_max", "field_bytes_max"});
  return content ? 413 : 400;
}

/// AOF's routes for a document do not name it.
std::string_view detailOf(const Error& error, const std::vector<std::string>& parameters) {
  const bool by_path = !parameters.empty() && error.name() == "document_not_found";
  return by_path ? "Document not found" : std::string_view(error.message());
}

}  // namespace

Validators contentValidators(const documents::Document& document,
                             const documents::Version& version) {
  documents::Document meant = document;
  meant.version = version.version;
  const std::string& at = version.version == 0 ? document.created_at : version.created_at;
  return {documents::contentEtag(meant), parseIsoTimestamp(at).value_or(WallTime())};
}

Validators descriptionValidators(const documents::Document& document) {
  return {documents::revisionEtag(document),
          parseIsoTimestamp(document.updated_at).value_or(WallTime())};
}

int httpStatus(const Error& error) {
  switch (error.code()) {
    case Code::InvalidArgument:
      return statusOfInvalid(error.name());
    case Code::NotFound:
      return 404;
    case Code::Conflict:
      return 409;
    case Code::ResourceExhausted:
      return statusOfExhausted(error.name());
    case Code::FailedPrecondition:
      if (error.name() == "semantic_not_enabled") return 404;  // as AOF has it
      return error.name() == "partition_is_global" ? 403 : 409;
    case Code::Unavailable:
    case Code::Cancelled:
      return 503;
    case Code::DeadlineExceeded:
      return 504;
    case Code::Internal:
      return 500;
  }
  return 500;
}

std::string errorBody(const Error& error, std::string_view detail) {
  Json body = Json::object();
  body["detail"] = std::string(detail);
  body["code"] = std::string(error.name());
  if (!error.hint().empty()) body["hint"] = error.hint();
  if (!error.details().empty())
    if (auto details = json::parse(error.details()); details.ok())
      body["details"] = std::move(*details);
  return json::dump(body);
}

documents::Precondition Call::demandsOfContent() const {
  std::string stated = changeConditionsText(conditions);
  if (stated.empty()) return {};
  return {std::move(stated), [conditions = conditions](const documents::Document& document,
                                                       const documents::Version& version) {
            return judgeChange(conditions, contentValidators(document, version)) ==
                   Verdict::Proceed;
          }};
}

documents::Precondition Call::demandsOfDescription() const {
  std::string stated = changeConditionsText(conditions);
  if (stated.empty()) return {};
  return {std::move(stated), [conditions = conditions](const documents::Document& document,
                                                       const documents::Version&) {
            return judgeChange(conditions, descriptionValidators(document)) == Verdict::Proceed;
          }};
}

Json Call::documentJson(const documents::Document& document) const {
  Json json = documents::toJson(document);
  json["url"] = base_url + documents::documentPath(document);
  return json;
}

void Call::answer(int status, const Json& body, HeaderLines headers) {
  transport::HttpAnswer answer;
  answer.status = status;
  answer.headers = std::move(headers);
  answer.body = json::dump(body);
  exchange->respond(std::move(answer));
}

void Call::refuse(int status, std::string_view detail, HeaderLines headers) {
  transport::HttpAnswer answer;
  answer.status = status;
  answer.headers = std::move(headers);
  answer.body = detailBody(detail);
  exchange->respond(std::move(answer));
}

void Call::invalid(const ValidationErrors& errors) {
  transport::HttpAnswer answer;
  answer.status = 422;
  answer.body = errors.body();
  exchange->respond(std::move(answer));
}

void Call::fail(const Error& error) {
  if (!partitioned || httpStatus(error) >= 500) return failNow(error);
  documents::QueryRequest probe;
  probe.caller = caller;
  probe.filter.place.partition = partition;
  probe.filter.count_max = 0;
  service.query(std::move(probe),
                [self = shared_from_this(), error](const Result<documents::QueryAnswer>& found) {
                  self->failNow(found.ok() ? error : found.error());
                });
}

void Call::failNow(const Error& error) {
  if (error.name() == "precondition_failed") return preconditionFailed();
  transport::HttpAnswer answer;
  answer.status = httpStatus(error);
  if (answer.status == 503) answer.headers.emplace_back("Retry-After", "1");
  answer.body = errorBody(error, detailOf(error, parameters));
  exchange->respond(std::move(answer));
}

void Call::notModified(HeaderLines headers) {
  transport::HttpAnswer answer;
  answer.status = 304;
  answer.content_type.clear();
  answer.headers = std::move(headers);
  exchange->respond(std::move(answer));
}

void Call::preconditionFailed() {
  const Error error =
      Error(Code::Conflict, "Precondition failed: the document is not as the conditions say",
            "read it again and repeat with its present ETag")
          .named("precondition_failed");
  transport::HttpAnswer answer;
  answer.status = 412;
  answer.body = errorBody(error, error.message());
  exchange->respond(std::move(answer));
}

transport::HttpBodyPlan jsonBody(const SharedCall& call,
                                 std::function<void(Json, ValidationErrors&)> handle) {
  const auto whole = [call, handle = std::move(handle)](const std::string& body) {
    ValidationErrors errors;
    auto object = readObjectBody(call->content_type, body, errors);
    if (!object) return call->invalid(errors);
    handle(std::move(*object), errors);
  };
  return transport::HttpBodyPlan::whole(kJsonBodyBytesMax, whole);
}

}  // namespace tutti::rest
