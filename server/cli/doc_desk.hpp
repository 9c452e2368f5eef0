// The context store for one command: the store is opened, its service is asked, and the loop runs
// until the answer is there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/cli/application.hpp"
#include "server/cli/doc.hpp"
#include "server/documents/service.hpp"

namespace tutti::cli {

/// Used on one thread, which runs the loop while it waits.
class DocDesk {
 public:
  /// Errors: those of Application::open(); InvalidArgument "invalid_scope".
  static Result<std::unique_ptr<DocDesk>> open(const Settings& settings, const DocRequest& request);
  ~DocDesk();

  documents::DocumentService& service() { return app_->documents(); }
  search::DocumentSearch& search() { return app_->search(); }
  /// The agent whose environment this is, or a person.
  const documents::Caller& caller() const { return caller_; }
  const documents::Place& place() const { return place_; }
  /// The same, but all that may be seen when no place is named.
  documents::Place placeToRead() const;

  /// Begins something and runs the loop until it has called what it was given. Errors: its own, and
  /// those of goOn().
  template <class T>
  Result<T> await(const std::function<void(std::function<void(Result<T>)>)>& begin) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    begin([answer](Result<T> result) { answer->emplace(std::move(result)); });
    runUntil([&] { return answer->has_value(); });
    if (!*answer) return interruption();
    return std::move(**answer);
  }
  /// Errors: Cancelled "interrupted" after SIGINT, "terminated" after SIGTERM.
  Status goOn();
  /// Waits until there is something to read from `fd`, or its end. Errors: those of goOn().
  Status awaitInput(int fd);

  /// The document of that id, or the only one of that file name at the place. Errors: NotFound
  /// "document_not_found", Conflict "name_ambiguous" with the ids.
  Result<documents::DocumentRef> find(const std::string& id_or_name);

  /// Prints what went wrong; the exit status: 1, after a signal 128 and its number.
  static int failed(const Error& error);

 private:
  DocDesk() = default;
  void runUntil(const std::function<bool()>& there);
  Error interruption() const;

  std::unique_ptr<Application> app_;
  documents::Caller caller_;
  documents::Place place_;
  int signal_ = 0;  ///< that ended it; 0: none
};

/// "512 B", "1.4 MB".
std::string sizeText(std::int64_t bytes);

/// The document as JSON, as the doc_* tools tell it, in one line.
bool printDocument(const documents::Document& document, Format format);

}  // namespace tutti::cli
