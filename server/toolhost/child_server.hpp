// A mounted server's processes, as tutti sees them: one guard with pipes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"
#include "server/toolhost/guard.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::toolhost {

struct ChildSpec {
  std::string program;  ///< tutti itself: the guard
  GuardRequest request;
  std::vector<std::string> environment;  ///< "NAME=value", the whole of it
  std::size_t stderr_line_max = 4096;    ///< bytes; the rest of a longer line is dropped
};

/// One start of a mounted server. Its destruction asks the guard to end everything, which goes on
/// without us; what it says until then, and its end, are still told. Runs on the I/O thread only.
class ChildServer {
 public:
  struct Told {
    std::function<void(std::string line)> on_stderr;
    std::function<void(int status)> on_exit;  ///< once; the guard is gone, and all with it
  };
  /// Errors: ResourceExhausted "process_limit", Internal. A command that does not exist is told by
  /// stderr and status 127.
  static Result<std::unique_ptr<ChildServer>> start(boost::asio::io_context& io, ChildSpec spec,
                                                    Told told);
  ~ChildServer();
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;

  /// Our ends of its standard output and input. Once each.
  Fd takeOutput();
  Fd takeInput();
  int pid() const;
  /// Asks the guard to end everything now.
  void end();

 private:
  struct Impl;
  explicit ChildServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::toolhost
