// Inner to server/documents: what the service's parts share.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/agents/sessions.hpp"
#include "server/documents/crash_point.hpp"
#include "server/documents/service.hpp"
#include "server/documents/transfers_files.hpp"
#include "server/documents/worker.hpp"

namespace tutti::documents {

// What `done` of a store's operation holds is moved on to the I/O thread: a caller's callback must
// not be let go of on the store's thread.

// calledOnce() does the same for what passes through a queue: copies share one function, which has
// moved its caller's callback on when it has been called.
//
// The store may still have work when the service goes: what it was given holds on to the Impl.

template <class T>
std::function<void(Result<T>)> calledOnce(std::function<void(Result<T>)> done) {
  auto only = std::make_shared<std::function<void(Result<T>)>>(std::move(done));
  return [only](Result<T> result) { (*only)(std::move(result)); };
}

struct RepeatedCall;

struct DocumentService::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(Parts given)
      : parts(std::move(given)),
        files(parts.store.folder()),
        worker(std::make_shared<Worker>(parts.options.jobs_max)),
        long_worker(std::make_shared<Worker>(parts.options.jobs_max)) {}

  template <class T>
  using Change = std::function<Result<T>(store::Tx&, const Author&)>;
  template <class T>
  using Look = std::function<Result<T>(store::Connection&, const Viewer&)>;

  /// Runs `done` on the I/O thread.
  template <class T>
  void answer(Done<T> done, Result<T> result) {
    parts.post([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  }

  /// The work of a transaction that changes something, and what it made. `contents` are kept until
  /// it is over.
  template <class T>
  store::Store::Work changing(const Caller& caller, Change<T> change,
                              std::shared_ptr<std::optional<T>> made) {
    return [this, self = shared_from_this(), caller, change = std::move(change),
            made](store::Tx& tx) -> Status {
      auto viewer = viewerOf(tx, caller);
      if (!viewer.ok()) return std::move(viewer).error();
      const Author author{std::move(*viewer), isoTimestamp(parts.clock->now()),
                          parts.options.limits, parts.options.retention};
      Result<T> result = change(tx, author);
      if (!result.ok()) return std::move(result).error();
      made->emplace(std::move(*result));
      crashPoint("committing");
      return ok();
    };
  }

  template <class T>
  void change(const Caller& caller, Change<T> work, Done<T> done) {
    auto made = std::make_shared<std::optional<T>>();
    parts.store.write(
        changing<T>(caller, std::move(work), made),
        [this, self = shared_from_this(), made, done = std::move(done)](Status status) mutable {
          crashPoint("committed");
          finish(std::move(made), std::move(done), std::move(status));
          sweepIfWanted();
        });
  }
  template <class T>
  Result<T> changeAndWait(const Caller& caller, Change<T> work) {
    auto made = std::make_shared<std::optional<T>>();
    const Status status = parts.store.writeAndWait(changing<T>(caller, std::move(work), made));
    crashPoint("committed");
    sweepIfWanted();
    if (!status.ok()) return status.error();
    return std::move(**made);
  }

  template <class T>
  store::Store::Work looking(const Caller& caller, Look<T> look,
                             std::shared_ptr<std::optional<T>> made) {
    return [caller, look = std::move(look), made](store::Connection& db) -> Status {
      auto viewer = viewerOf(db, caller);
      if (!viewer.ok()) return std::move(viewer).error();
      Result<T> result = look(db, *viewer);
      if (!result.ok()) return std::move(result).error();
      made->emplace(std::move(*result));
      return ok();
    };
  }
  template <class T>
  void look(const Caller& caller, Look<T> work, Done<T> done) {
    auto made = std::make_shared<std::optional<T>>();
    parts.store.read(
        looking<T>(caller, std::move(work), made),
        [this, self = shared_from_this(), made, done = std::move(done)](Status status) mutable {
          finish(std::move(made), std::move(done), std::move(status));
        });
  }
  template <class T>
  Result<T> lookAndWait(const Caller& caller, Look<T> work) {
    auto made = std::make_shared<std::optional<T>>();
    const Status status = parts.store.readAndWait(looking<T>(caller, std::move(work), made));
    if (!status.ok()) return status.error();
    return std::move(**made);
  }

  /// Runs `job` on the worker and answers with what it returns.
  template <class T>
  void work(std::function<Result<T>()> job, Done<T> done) {
    const Status queued = worker->submit(
        [this, job = std::move(job), done]() mutable { answer<T>(std::move(done), job()); });
    if (!queued.ok()) answer<T>(std::move(done), queued.error());
  }

  /// From a job of the worker's: the rest of it, which goes through so many bytes. What would keep
  /// others waiting runs on a thread of its own, if that has room; else here, before this returns.
  void throughBytes(std::int64_t bytes, const std::function<void()>& rest) {
    constexpr std::int64_t kShortBytesMax = 8 << 20;
    if (bytes <= kShortBytesMax || !long_worker->submit(rest).ok()) rest();
  }

  template <class T>
  void finish(std::shared_ptr<std::optional<T>> made, Done<T> done, Status status) {
    parts.post(
        [made = std::move(made), done = std::move(done), status = std::move(status)]() mutable {
          if (!status.ok()) return done(status.error());
          done(std::move(**made));
        });
  }

  // --- contents, service_content.cpp ---

  using ContentDone = std::function<void(Result<Content>)>;
  /// Makes content of a source: staged, synced and renamed. `done` runs on the worker or, for small
  /// content, at once.
  void prepare(const Caller& caller, ContentSource source, ContentDone done);
  /// Begins new content. With the first one, what writers that died have left staged is removed on
  /// the worker: a command that was killed leaves nothing for long where another one follows.
  Staged stage();
  void copyFile(std::shared_ptr<Fd> file, std::shared_ptr<Staged> staged, ContentDone done);
  std::vector<std::filesystem::path> rootsOf(const Viewer& viewer) const;

  // --- reading, service_read.cpp ---

  struct OpenRequest {
    Caller caller;
    DocumentRef ref;
    std::int64_t version = 0;
    std::optional<CharacterRange> characters;
    std::optional<ByteRange> bytes;
  };
  struct Found {
    Document document;
    Version version;
    ContentPlace place;
    Viewer viewer;
  };
  static Result<Found> find(store::Connection& db, const Viewer& viewer, const DocumentRef& ref,
                            std::int64_t version);
  Result<Opened> open(const OpenRequest& request, Found found) const;
  /// `then` runs on a reader's thread for small content, else on the worker.
  void opened(OpenRequest request, std::function<void(Result<Opened>)> then);
  /// Nothing when the text is a file, or would become one: that is for editFile().
  Result<std::optional<Edited>> editRows(store::Tx& tx, const Author& author,
                                         const EditRequest& request, const RepeatedCall& call);
  Result<Edited> editFile(const EditRequest& request, const RepeatedCall& call);
  /// ResourceExhausted "edit_bytes_max" when the text has, or would have, more than `bytes_max`.
  Result<EditedText> editedText(const Found& found, const Edit& wanted,
                                std::size_t bytes_max) const;
  /// Nothing when another writer was faster.
  Result<std::optional<Edited>> editOnce(const EditRequest& request, const RepeatedCall& call);

  // --- upkeep, service.cpp ---

  /// After a change that may have let go of a file: carries out what waits.
  void sweepSoon(store::Connection& db);
  void sweepIfWanted();
  Result<std::int64_t> sweepFiles();
  /// Files that no row names: of writers whose transaction failed, or that died before it.
  Result<std::int64_t> sweepUnnamed();

  Parts parts;
  ContentFiles files;
  std::shared_ptr<Worker> worker;
  std::shared_ptr<Worker> long_worker;    ///< see throughBytes()
  std::atomic<bool> sweep_wanted{false};  ///< when what is under way is committed
  std::atomic<bool> leftovers_swept{false};
};

// --- answers to calls that are repeated, repeated_calls.cpp ---

/// The call's name and key as the store keeps them, and what must be the same for the same answer.
/// Made before the transaction that asks for it.
struct RepeatedCall {
  std::string tool;
  std::string key;  ///< "" for none
  agents::BodyDigest body;
};
/// The body of a call: its arguments, and what it demands beside them.
agents::BodyDigest bodyOf(Json arguments, const Precondition& precondition = {});
/// NotFound as findDocument(); Conflict "precondition_failed".
Status demand(store::Connection& db, const Viewer& viewer, const DocumentRef& ref,
              const Precondition& precondition);
/// A key counts together with its session; "" stays "".
std::string keyOf(const Caller& caller, const std::string& key);
Json toAnswer(const Edited& edited);
Edited editedFrom(const Json& answer);
Relation relationFrom(const Json& answer);
Json toAnswer(const RelationPair& pair);
RelationPair relationPairFrom(const Json& answer);
/// The answer given before, as it was kept.
Result<std::optional<Json>> keptAnswer(store::Connection& db, const RepeatedCall& call);
void keep(store::Tx& tx, const RepeatedCall& call, const Json& answer, const std::string& now);
/// The answer given before.
Result<std::optional<Edited>> answerBefore(store::Connection& db, const RepeatedCall& call);
void keepAnswer(store::Tx& tx, const RepeatedCall& call, const Edited& edited,
                const std::string& now);

}  // namespace tutti::documents
