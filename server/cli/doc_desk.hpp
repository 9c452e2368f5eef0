// The context store for one command: the store is opened, its service is asked, and the loop runs
// until the answer is there.
#pragma once

#include <chrono>
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

  /// Begins something and runs the loop until it has called what it was given. Errors: its own;
  /// Cancelled "interrupted" on SIGINT or SIGTERM.
  template <class T>
  Result<T> await(const std::function<void(std::function<void(Result<T>)>)>& begin) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    begin([answer](Result<T> result) { answer->emplace(std::move(result)); });
    runUntil([&] { return answer->has_value(); });
    if (!*answer) return Error(Code::Cancelled, "interrupted").named("interrupted");
    return std::move(**answer);
  }

  /// The document of that id, or the only one of that file name at the place. Errors: NotFound
  /// "document_not_found", Conflict "name_ambiguous" with the ids.
  Result<documents::DocumentRef> find(const std::string& id_or_name);

  /// Prints what went wrong; the exit status.
  static int failed(const Error& error);

 private:
  DocDesk() = default;
  void runUntil(const std::function<bool()>& there);

  std::unique_ptr<Application> app_;
  documents::Caller caller_;
  documents::Place place_;
  bool interrupted_ = false;
};

/// A line on a terminal's stderr that shows how far a transfer is; nothing elsewhere. `total` below
/// 0: not known.
class TransferBar {
 public:
  TransferBar(std::string name, std::int64_t total);
  ~TransferBar();
  void at(std::int64_t bytes);

 private:
  void draw(std::chrono::steady_clock::time_point now);

  std::string name_;
  std::int64_t total_;
  std::int64_t bytes_ = 0;
  bool shown_ = false;
  bool terminal_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point drawn_;
};

/// "512 B", "1.4 MB".
std::string sizeText(std::int64_t bytes);

/// The document as JSON, as the doc_* tools tell it, in one line.
bool printDocument(const documents::Document& document, Format format);

}  // namespace tutti::cli
