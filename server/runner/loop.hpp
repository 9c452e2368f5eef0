// The run-host's event loop: readiness of descriptors, timers, posted calls. Asio stays behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace tutti::runner {

/// One single-threaded loop. Everything below is used from that thread only. Watches and timers
/// must be destroyed before their loop; destroying one, even inside its own callback, ends its
/// calls.
class Loop {
 public:
  using Callback = std::function<void()>;

  /// Readiness of one descriptor, which stays the caller's. One watch a descriptor.
  class Watch {
   public:
    ~Watch();
    /// Calls `ready` whenever a read would not block, until another call replaces or ends it ({}).
    void reading(Callback ready);
    void writing(Callback ready);

   private:
    friend class Loop;
    struct State;
    explicit Watch(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };

  /// Calls back once, unless destroyed or set anew before.
  class Timer {
   public:
    ~Timer();
    void after(std::int64_t ms, Callback expired);
    void cancel();

   private:
    friend class Loop;
    struct State;
    explicit Timer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  std::unique_ptr<Watch> watch(int fd);
  std::unique_ptr<Timer> timer();
  void post(Callback call);
  void run();   ///< until stop()
  void stop();  ///< run() returns after the callback that called this

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::runner
