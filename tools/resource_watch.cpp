#include <algorithm>
#include <map>
#include <set>

#include "server/agents/sessions.hpp"
#include "server/documents/documents.hpp"
#include "tools/resources.hpp"

namespace tutti::tools {
namespace {

constexpr std::string_view kSessionPrefix = "tutti://session/";
constexpr std::string_view kSessionList = "tutti://sessions";

/// The session that a URI of it names; "" for any other URI.
std::string sessionOf(std::string_view uri) {
  if (!uri.starts_with(kSessionPrefix)) return {};
  uri.remove_prefix(kSessionPrefix.size());
  return std::string(uri.substr(0, uri.find('/')));
}

/// What was new at the last look: the newest event of each session that is watched, by the id or
/// name under which it is.
using Newest = std::map<std::string, std::int64_t>;

constexpr std::int64_t kChangesMax = 10'000;  // as many as are kept
// How far the first look goes back. What is told without need does no harm, what is missed does.
constexpr std::int64_t kFirstLook = 100;

/// Changes of documents after the last look, and who of `sessions` may see them.
struct DocumentNews {
  std::int64_t latest = -1;  ///< -1: there was no look yet
  std::set<std::string> sessions = {};
  std::vector<documents::DocumentChange> changes = {};
  std::map<std::string, std::set<std::string>> seen_by = {};  ///< by partition
};

void findWhoSees(store::Connection& db, DocumentNews& found) {
  if (found.changes.empty()) return;  // as after most commits
  for (const documents::DocumentChange& change : found.changes) found.seen_by[change.partition];
  for (const std::string& session : found.sessions) {
    const auto viewer = documents::viewerOf(db, {session});
    if (!viewer.ok()) continue;  // a session that is gone sees nothing
    for (auto& [partition, sessions] : found.seen_by)
      if (documents::maySeeNamed(db, *viewer, partition)) sessions.insert(session);
  }
}

void look(store::Connection& db, DocumentNews& found) {
  const std::int64_t now = documents::latestChange(db);
  if (found.latest < 0) found.latest = std::max<std::int64_t>(0, now - kFirstLook);
  if (now > found.latest) found.changes = documents::changesSince(db, found.latest, kChangesMax);
  found.latest = now;
  findWhoSees(db, found);
}

Status look(store::Connection& db, const std::set<std::string>& watched, Newest& found) {
  for (const std::string& id_or_name : watched) {
    auto session = agents::findSession(db, id_or_name);
    if (!session.ok()) continue;  // deleted, or not there yet
    const auto last = agents::lastEvent(db, session->session_id);
    found[id_or_name] = last ? last->id : 0;
  }
  return ok();
}

}  // namespace

struct ResourceWatch::Impl : std::enable_shared_from_this<Impl> {
  Impl(mcp::Server& given_server, const Context& given) : server(given_server), context(given) {}

  void news();
  bool knowsAll(const DocumentNews& found) const;
  void compare(const std::vector<std::string>& uris, const Newest& found);
  void tell(const DocumentNews& found);

  mcp::Server& server;
  const Context& context;
  store::Notifier::Watch watch;
  Newest seen;
  std::int64_t last_change = -1;
  bool looking = false;
  bool again = false;
  bool closed = false;
};

// Something was committed. While a look is under way further news wait for its end.
void ResourceWatch::Impl::news() {
  auto uris = std::make_shared<std::vector<std::string>>(server.watchedUris());
  if (uris->empty()) return;
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  std::set<std::string> watched;
  for (const std::string& uri : *uris)
    if (std::string session = sessionOf(uri); !session.empty()) watched.insert(std::move(session));
  auto found = std::make_shared<Newest>();
  auto documents = std::make_shared<DocumentNews>();
  documents->latest = last_change;
  documents->sessions = server.watchingSessions();
  context.store.read(
      [watched, found, documents](store::Connection& db) {
        look(db, *documents);
        return look(db, watched, *found);
      },
      [self = shared_from_this(), uris, found, documents](Status status) {
        self->context.post([self, uris, found, documents, looked = status.ok()] {
          if (self->closed) return;
          self->looking = false;
          // After a look that failed, the next one begins where it did.
          const bool known = looked && self->knowsAll(*documents);
          self->again |= looked && !known;
          if (known) {
            self->compare(*uris, *found);
            self->last_change = documents->latest;
            self->tell(*documents);
          }
          if (std::exchange(self->again, false)) self->news();
        });
      });
}

void ResourceWatch::Impl::compare(const std::vector<std::string>& uris, const Newest& found) {
  for (const std::string& uri : uris) {
    if (uri == kSessionList) server.resourceUpdated(uri);
    const auto now = found.find(sessionOf(uri));
    if (now == found.end()) continue;
    const auto before = seen.find(now->first);
    if (before == seen.end() || before->second != now->second) server.resourceUpdated(uri);
  }
  seen = found;
}

/// Has what they may see been looked up for all who watch now?
bool ResourceWatch::Impl::knowsAll(const DocumentNews& found) const {
  const std::set<std::string> now = server.watchingSessions();
  return std::includes(found.sessions.begin(), found.sessions.end(), now.begin(), now.end());
}

/// That a document has changed is told to nobody who may not see it.
void ResourceWatch::Impl::tell(const DocumentNews& found) {
  std::map<std::string, std::string> changed;  // the documents, and where they are
  std::set<std::string> all;                   // sessions whose list is another
  for (const documents::DocumentChange& change : found.changes)
    changed.emplace(change.document_id, change.partition);
  for (const auto& [id, partition] : changed) {
    const std::set<std::string>& sessions = found.seen_by.at(partition);
    all.insert(sessions.begin(), sessions.end());
    server.resourceUpdated(documents::documentUri(id), [&sessions](const std::string& session) {
      return sessions.contains(session);
    });
  }
  if (changed.empty()) return;
  server.resourceUpdated("tutti://documents",
                         [&all](const std::string& session) { return all.contains(session); });
}

ResourceWatch::ResourceWatch(mcp::Server& server, const Context& context, store::Notifier& notifier)
    : impl_(std::make_shared<Impl>(server, context)) {
  impl_->watch = notifier.watchCommits([impl = impl_.get()] { impl->news(); });
}

ResourceWatch::~ResourceWatch() {
  impl_->closed = true;
  impl_->watch = {};
}

}  // namespace tutti::tools
