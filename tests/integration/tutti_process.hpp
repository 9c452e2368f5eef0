// The real program, as a client meets it: over pipes, with deadlines, ended by its id.
#pragma once

#include <sys/resource.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tutti::test {

using Json = nlohmann::json;

/// A folder of one test's own, removed at its end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  const std::filesystem::path& path() const { return path_; }
  /// Writes a file below it (and its folders); `mode` as for chmod.
  std::filesystem::path write(const std::string& name, const std::string& content,
                              int mode = 0644) const;

 private:
  std::filesystem::path path_;
};

struct Options {
  std::vector<std::string> arguments = {"stdio"};
  std::vector<std::string> environment = {};  ///< NAME=value, beside PATH and HOME
  std::vector<std::string> wrapper = {};      ///< a program, by its path, that runs its last words
};

/// One `tutti` process on pipes. Waits have a deadline of 60 s and fail the test when it passes.
class TuttiProcess {
 public:
  TuttiProcess(const TempFolder& folder, Options options = {});
  ~TuttiProcess();  ///< kills it if it still runs

  void sendBytes(const std::string& text);
  void sendLine(const std::string& line) { sendBytes(line + "\n"); }
  void send(const Json& message) { sendLine(message.dump()); }
  /// The next message on stdout; a line that is not JSON fails the test.
  Json receive();
  /// Sends a request and returns its response; notifications on the way are kept in
  /// notifications(). The client declares no capabilities unless `params` has some.
  Json request(const std::string& method, Json params = Json::object());
  /// A tools/call; its structured content, or {"error": …} of a failed tool.
  Json call(const std::string& tool, Json arguments = Json::object());
  const std::vector<Json>& notifications() const { return notifications_; }

  void closeInput();
  int wait();  ///< its exit status; 128 + signal when it was killed
  void kill(int signal);
  int pid() const;
  std::string readRest();      ///< all of stdout that is left, until its end
  std::string errors() const;  ///< what it has printed to stderr so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<Json> notifications_;
  int next_id_ = 0;
};

/// How large a file may grow that the process writes; its hard limit stays. Fails the test if it
/// cannot be set.
void limitFiles(const TuttiProcess& tutti, rlim_t bytes);

/// What a command printed, and how it ended.
struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};
/// Runs `tutti` with arguments and an empty stdin, over the store of `folder`.
Ran runTutti(const TempFolder& folder, std::vector<std::string> arguments,
             std::vector<std::string> environment = {});

/// Writes a procedural blueprint whose program is the shell script `body`, below
/// `folder`/blueprints.
void writeProgram(const TempFolder& folder, const std::string& name, const std::string& body,
                  Json more = Json::object());

/// How often `part` stands in `text`.
int countOf(const std::string& text, const std::string& part);

/// Waits until a program has put the file there; false after 60 s.
bool waitForFile(const std::filesystem::path& path);

/// Processes whose environment has `mark` (TUTTI_SESSION_ID=…, TUTTI_DATA=…): agents and what they
/// left.
std::vector<int> processesMarked(const std::string& mark);
/// Run-hosts whose arguments contain `word`: a session's id, a store's folder.
std::vector<int> hostsOf(const std::string& word);

}  // namespace tutti::test
