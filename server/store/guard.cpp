#include "server/store/guard.hpp"

#include <exception>

#include "server/base/log.hpp"

namespace tutti::store {

Status runGuarded(const Store::Work& work, Connection& db) {
  try {
    return work(db);
  } catch (const DatabaseError& problem) {
    return problem.toError();
  } catch (const std::exception& problem) {
    log::error("work in the store threw", {{"what", problem.what()}});
    return Error(Code::Internal, std::string("unexpected failure in the store: ") + problem.what());
  }
}

void finish(const Store::Done& done, Status status) {
  if (!done) return;
  try {
    done(std::move(status));
  } catch (const std::exception& problem) {
    log::error("a completion of the store threw", {{"what", problem.what()}});
  }
}

}  // namespace tutti::store
