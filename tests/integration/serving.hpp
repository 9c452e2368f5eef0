// `tutti serve` with a port for documents of their own, and requests to it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/tutti_process.hpp"
#include "tests/transport/http_client.hpp"

namespace tutti::test {

inline std::uint16_t portIn(const std::filesystem::path& file) {
  EXPECT_TRUE(waitForFile(file)) << file;
  int port = 0;
  std::ifstream(file) >> port;
  return static_cast<std::uint16_t>(port);
}

/// `tutti serve` with both ports.
class Serving {
 public:
  explicit Serving(const TempFolder& folder, std::vector<std::string> more = {})
      : main_file_(folder.path() / "port"), documents_file_(folder.path() / "documents-port") {
    std::filesystem::remove(main_file_);
    std::filesystem::remove(documents_file_);
    Options options;
    options.arguments = {"serve",
                         "--port",
                         "0",
                         "--port-file",
                         main_file_.string(),
                         "--documents-port",
                         "0",
                         "--documents-port-file",
                         documents_file_.string()};
    options.arguments.insert(options.arguments.end(), more.begin(), more.end());
    process_ = std::make_unique<TuttiProcess>(folder, options);
    main_port = portIn(main_file_);
    documents_port = portIn(documents_file_);
  }
  TuttiProcess& process() { return *process_; }

  std::uint16_t main_port = 0;
  std::uint16_t documents_port = 0;

 private:
  std::filesystem::path main_file_;
  std::filesystem::path documents_file_;
  std::unique_ptr<TuttiProcess> process_;
};

/// One request on a connection of its own. `headers` end with a line's end each.
inline fixture::Answer ask(std::uint16_t port, const std::string& method, const std::string& target,
                           const std::string& body = {}, const std::string& headers = {}) {
  fixture::HttpClient client(port);
  client.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  return client.answer();
}

inline constexpr const char* kJsonHeader = "Content-Type: application/json\r\n";

}  // namespace tutti::test
