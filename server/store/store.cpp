#include "server/store/store.hpp"

#include <exception>
#include <future>
#include <utility>

#include "server/base/file.hpp"
#include "server/store/commit_observers.hpp"
#include "server/store/migrate.hpp"
#include "server/store/readers.hpp"
#include "server/store/writer.hpp"

namespace tutti::store {
namespace fs = std::filesystem;

struct Store::Impl {
  Impl(fs::path where, std::unique_ptr<Connection> db, StoreOptions options)
      : folder(std::move(where)),
        writer(std::move(db), folder, options, observers),
        readers((folder / kDatabaseFile).string(), options) {}

  const fs::path folder;
  CommitObservers observers;
  Writer writer;
  Readers readers;  // joined before the writer closes the database
};

Result<std::unique_ptr<Store>> Store::open(const fs::path& folder,
                                           const std::vector<Migration>& migrations,
                                           StoreOptions options) {
  try {
    if (Status made = makeFolder(folder); !made.ok()) return made.error();
    auto db = openDatabase(folder, migrations, options.busy_timeout_ms);
    if (!db.ok()) return db.error();
    auto impl = std::make_unique<Impl>(folder, std::move(*db), options);
    return std::unique_ptr<Store>(new Store(std::move(impl)));
  } catch (const DatabaseError& problem) {
    Error error = problem.toError();
    return Error(error.code(),
                 "cannot open the store in '" + folder.string() + "': " + error.message(),
                 error.hint())
        .named(std::string(error.name()));
  } catch (const std::exception& problem) {
    return Error(Code::Internal,
                 "cannot open the store in '" + folder.string() + "': " + problem.what());
  }
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

void Store::write(Work work, Done done) {
  impl_->writer.submit(std::move(work), std::move(done));
}
std::size_t Store::writesWaiting() const {
  return impl_->writer.waiting();
}
void Store::read(Work work, Done done) {
  impl_->readers.submit(std::move(work), std::move(done));
}

namespace {
/// `submit` hands over the completion; the result is what that was called with.
template <class Submit>
Status awaitDone(Submit submit) {
  std::promise<Status> promise;
  std::future<Status> future = promise.get_future();
  submit([&promise](Status status) { promise.set_value(std::move(status)); });
  return future.get();
}
}  // namespace

Status Store::writeAndWait(const Work& work) {
  return awaitDone(
      [&](Done done) { write([&work](Tx& tx) { return work(tx); }, std::move(done)); });
}

Status Store::readAndWait(const Work& work) {
  return awaitDone([&](Done done) { read([&work](Tx& tx) { return work(tx); }, std::move(done)); });
}

Status Store::readAsideAndWait(const Work& work) {
  return impl_->readers.runAside(work);
}

std::shared_ptr<void> Store::onCommit(std::function<void()> observer) {
  return impl_->observers.add(std::move(observer));
}

const fs::path& Store::folder() const {
  return impl_->folder;
}

}  // namespace tutti::store
