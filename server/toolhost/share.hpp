// One running copy of a mounted server for all processes of tutti over one store.
//
//   <store>/mounts/<key>.lock    flock held by the process whose copy it is
//   <store>/mounts/<key>.sock    where the others, and that process itself, reach it
//   <store>/mounts/<key>.json    how the copy fares, as its owner last wrote it
//
// The key is a digest of all that makes a server what it is, values of its environment included, so
// that nobody is given a server that was started with other credentials than his own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"
#include "server/toolhost/mount.hpp"

namespace tutti::toolhost {

class SharedCopy;

/// What tells one copy from another. 32 characters that a file's name may have.
std::string shareKey(const MountSpec& spec);

/// One mount's way to the copy. Owns it, if this process is the one that runs it. Runs on the I/O
/// thread only.
class Share {
 public:
  /// `options.share_folder` is made if it is not there. Errors: those of makeFolder().
  static Result<std::unique_ptr<Share>> create(boost::asio::io_context& io, MountSpec spec,
                                               MountOptions options);
  ~Share();

  /// A socket on which the copy speaks MCP, a message a line. Starts the copy when nobody runs one.
  /// Errors: Unavailable "copy_not_listening" while its owner is about to begin or to end: ask
  /// again soon; those of Listener::listenUnix().
  Result<Fd> connect();
  /// Does this process run the copy?
  bool owns() const { return copy_ != nullptr; }
  /// Replaces what `health` says of the server itself by what its owner knows.
  void describe(MountHealth& health) const;

 private:
  Share(boost::asio::io_context& io, MountSpec spec, MountOptions options, Fd folder);
  std::filesystem::path file(const char* suffix) const;
  Status own(Fd lock);

  boost::asio::io_context& io_;
  const MountSpec spec_;
  const MountOptions options_;
  const std::string key_;
  const Fd folder_;  // a socket's path is bounded, and the store's may be longer
  std::unique_ptr<SharedCopy> copy_;
};

}  // namespace tutti::toolhost
