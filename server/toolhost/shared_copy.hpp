// A mounted server that this process runs for all others: behind a Unix socket, under its own
// names.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"
#include "server/toolhost/mount.hpp"

namespace tutti::toolhost {

/// Starts the server, listens, and gives every client a protocol core of tutti, which keeps their
/// calls, cancellations, progress and questions apart. Clients are answered once the server has
/// listed its tools or has failed, or after a while. Runs on the I/O thread only.
class SharedCopy {
 public:
  struct Place {
    Fd lock;  ///< held until nobody can reach us any more
    std::string socket;
    std::filesystem::path report;  ///< how the server fares, see Share::describe()
  };
  /// Errors: those of Listener::listenUnix().
  static Result<std::unique_ptr<SharedCopy>> start(boost::asio::io_context& io, MountSpec spec,
                                                   MountOptions options, Place place);
  ~SharedCopy();

  MountHealth health() const;

 private:
  struct Impl;
  explicit SharedCopy(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

/// What the copy's process has failed with, when `error` is what a client of the copy got of it;
/// nothing when it is about the way there.
std::optional<Error> originalError(const Error& error);

/// What a copy's report says: a JSON object, and back. A report that cannot be read changes
/// nothing.
std::string reportOf(const MountHealth& health);
void takeReport(const std::string& report, MountHealth& health);

}  // namespace tutti::toolhost
