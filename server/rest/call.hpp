// One request to the context store on its way, and the ways to answer it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/service.hpp"
#include "server/json/json.hpp"
#include "server/rest/conditions.hpp"
#include "server/rest/target.hpp"
#include "server/rest/validation.hpp"
#include "server/transport/http_service.hpp"

namespace tutti::search {
class DocumentSearch;
}

namespace tutti::rest {

using HeaderLines = std::vector<std::pair<std::string, std::string>>;

/// Of content: its tag, and since when the document has it. `version` is the one that is meant, or
/// of a placeholder one with number 0.
Validators contentValidators(const documents::Document& document,
                             const documents::Version& version);
/// Of name, tags and metadata.
Validators descriptionValidators(const documents::Document& document);

/// The status for an error of the store: 400, 403, 404, 409, 413, 416, 500, 503, 504 or 507.
int httpStatus(const Error& error);
/// {"detail": message} as AOF has it, and ours beside it: "code", "hint", "details".
std::string errorBody(const Error& error, std::string_view detail);

/// Kept by whoever still has to answer it. Runs on the I/O thread.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(documents::DocumentService& given_service,
       std::shared_ptr<transport::HttpExchange> given_exchange)
      : service(given_service), exchange(std::move(given_exchange)) {}

  documents::DocumentService& service;
  search::DocumentSearch* search = nullptr;
  const std::shared_ptr<transport::HttpExchange> exchange;
  std::string method;
  std::string content_type;  ///< of the request's body
  std::string range;         ///< empty: none
  std::string idempotency_key;
  Conditions conditions;
  Target target;
  std::vector<std::string> parameters;  ///< of the path, without the partition
  std::string base_url;                 ///< before every path: "http://localhost:8766"
  documents::Caller caller;
  /// Of the path; `_global` on the routes without one.
  std::string partition{documents::kGlobalPartition};
  bool partitioned = false;  ///< the path names the partition
  bool create_partition = false;

  documents::DocumentRef document() const { return {parameters.at(0), partition}; }
  documents::Place place() const {
    return {documents::Scope::Default, partition, create_partition};
  }
  /// What the request's conditions demand of the document that is changed.
  documents::Precondition demandsOfContent() const;
  documents::Precondition demandsOfDescription() const;
  /// As AOF shows it, with `url`. `relations`: null unless given.
  Json documentJson(const documents::Document& document) const;

  void answer(int status, const Json& body, HeaderLines headers = {});
  void refuse(int status, std::string_view detail, HeaderLines headers = {});
  void invalid(const ValidationErrors& errors);
  /// Of a partition that is not there, that is what is said, whatever else was wrong.
  void fail(const Error& error);
  void notModified(HeaderLines headers);
  /// 412.
  void preconditionFailed();

  /// For `done` of the service: answers an error, else runs `then` with the value.
  template <class T>
  std::function<void(Result<T>)> then(std::function<void(T)> then) {
    return [self = shared_from_this(), then = std::move(then)](Result<T> result) {
      if (!result.ok()) return self->fail(result.error());
      then(std::move(*result));
    };
  }

 private:
  void failNow(const Error& error);
};

/// A call that is answered later, by what holds this.
using SharedCall = std::shared_ptr<Call>;

/// The body as JSON object for `handle`, which is not called when there is none: then the 422 has
/// been sent.
transport::HttpBodyPlan jsonBody(const SharedCall& call,
                                 std::function<void(Json, ValidationErrors&)> handle);

/// A JSON body, of a rename to a long edit.
inline constexpr std::size_t kJsonBodyBytesMax = 64U << 20;

}  // namespace tutti::rest
