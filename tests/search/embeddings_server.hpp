// The fake embeddings server as a process of a test's own.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace tutti::search {

class EmbeddingsServer {
 public:
  explicit EmbeddingsServer(std::vector<std::string> arguments = {}) {
    const char* fakes = std::getenv("TUTTI_FAKES");
    arguments.insert(arguments.begin(), std::string(fakes ? fakes : "") + "/embeddings_fake");
    std::vector<char*> words;
    for (std::string& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("no pipes");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    const int code = ::posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    if (code != 0) throw std::runtime_error("cannot start " + arguments[0]);
    to_ = ::fdopen(in[1], "w");
    from_ = ::fdopen(out[0], "r");
    port_ = line();
  }
  ~EmbeddingsServer() { stop(); }
  EmbeddingsServer(const EmbeddingsServer&) = delete;
  EmbeddingsServer& operator=(const EmbeddingsServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + port_; }
  void mode(const std::string& name) { say("mode " + name); }
  int requests() { return std::stoi(say("requests")); }
  void stop() {
    if (pid_ < 0) return;
    std::fclose(to_);
    std::fclose(from_);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  std::string say(const std::string& words) {
    std::fputs((words + "\n").c_str(), to_);
    std::fflush(to_);
    return line();
  }
  std::string line() {
    std::array<char, 64> text{};
    if (std::fgets(text.data(), text.size(), from_) == nullptr)
      throw std::runtime_error("the fake embeddings server said nothing");
    std::string words = text.data();
    words.pop_back();
    return words;
  }

  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  std::string port_;
};

}  // namespace tutti::search
