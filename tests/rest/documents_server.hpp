// The context store's routes on a server of their own, over a store in a folder of the test's own,
// and a client that speaks to it over a socket.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/agents/migrations.hpp"
#include "server/base/log.hpp"
#include "server/documents/migrations.hpp"
#include "server/documents/service.hpp"
#include "server/json/json.hpp"
#include "server/rest/documents_face.hpp"
#include "server/transport/transport.hpp"
#include "tests/temp_folder.hpp"
#include "tests/transport/http_client.hpp"

namespace tutti::rest {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// An answer, its body read as JSON if it is.
struct Told {
  int status = 0;
  std::string head;
  std::string body;
  Json json;

  /// The value of a header by its exact name; "" without it.
  std::string header(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  /// A member that is a text.
  std::string text(const std::string& member) const { return json.value(member, ""); }
  std::string detail() const { return json.is_object() ? json.value("detail", Json()).dump() : ""; }
};

/// `text` as json::dump() has it, for comparing with detail().
inline std::string quote(const std::string& text) {
  return Json(text).dump();
}

class DocumentsServer {
 public:
  explicit DocumentsServer(transport::HttpOptions http_options = {},
                           documents::ServiceOptions options = {})
      : work_(io_.get_executor()), thread_([this] { io_.run(); }) {
    std::signal(SIGPIPE, SIG_IGN);
    log::configure(log::Level::Off);
    std::vector<store::Migration> migrations = agents::migrations();
    for (const store::Migration& more : documents::migrations()) migrations.push_back(more);
    auto opened = store::Store::open(folder_.path(), migrations);
    store_ = std::move(*opened);
    http_options.port = 0;
    run([&] {
      const auto post = [this](std::function<void()> task) {
        boost::asio::post(io_, std::move(task));
      };
      service_ = std::make_unique<documents::DocumentService>(documents::DocumentService::Parts{
          .store = *store_, .post = post, .options = std::move(options)});
      face_ = std::make_unique<DocumentsFace>(*service_, DocumentsFaceOptions{});
      http_ = std::make_unique<transport::HttpServer>(io_, std::move(http_options));
      face_->addTo(*http_);
      EXPECT_TRUE(http_->start().ok());
      port_ = http_->port();
    });
  }
  ~DocumentsServer() {
    run([this] { http_.reset(); });
    work_.reset();
    io_.stop();
    thread_.join();
    face_.reset();
    service_.reset();
  }

  std::uint16_t port() const { return port_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  store::Store& store() { return *store_; }

  /// One request on a connection of its own.
  Told ask(const std::string& method, const std::string& target, const std::string& body = {},
           const Headers& headers = {}) const {
    fixture::HttpClient client(port_);
    client.send(request(method, target, body, headers));
    return told(client.answer());
  }
  Told get(const std::string& target, const Headers& headers = {}) const {
    return ask("GET", target, {}, headers);
  }
  Told sendJson(const std::string& method, const std::string& target, const Json& body,
                const Headers& headers = {}) const {
    Headers all = headers;
    all.emplace_back("Content-Type", "application/json");
    return ask(method, target, body.dump(), all);
  }
  /// A multipart upload, as AOF's clients do it.
  Told push(const std::string& filename, const std::string& content,
            const std::string& type = "text/markdown",
            const std::vector<std::pair<std::string, std::string>>& fields = {},
            const std::string& target = "/documents") const {
    return ask("POST", target, form(filename, content, type, fields),
               {{"Content-Type", "multipart/form-data; boundary=XX"}});
  }
  /// The id of a document that is pushed for it.
  std::string pushed(const std::string& filename, const std::string& content,
                     const std::string& type = "text/markdown") const {
    const Told told = push(filename, content, type);
    EXPECT_EQ(told.status, 201) << told.body;
    return told.json.value("id", "");
  }

  static std::string request(const std::string& method, const std::string& target,
                             const std::string& body, const Headers& headers) {
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost:8766\r\n";
    for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
    if (!body.empty() || method != "GET")
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
  }
  static std::string form(const std::string& filename, const std::string& content,
                          const std::string& type,
                          const std::vector<std::pair<std::string, std::string>>& fields) {
    std::string text;
    for (const auto& [name, value] : fields)
      text +=
          "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    text +=
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename + "\"\r\n";
    if (!type.empty()) text += "Content-Type: " + type + "\r\n";
    return text + "\r\n" + content + "\r\n--XX--\r\n";
  }
  static Told told(const fixture::Answer& answer) {
    Told told{answer.status, answer.head, answer.body, {}};
    if (told.header("Content-Type").starts_with("application/json"))
      if (auto parsed = json::parse(answer.body); parsed.ok()) told.json = std::move(*parsed);
    return told;
  }

  /// Runs `work` on the server's thread and waits for it.
  void run(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  fixture::TempFolder folder_;
  boost::asio::io_context io_{1};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<documents::DocumentService> service_;
  std::unique_ptr<DocumentsFace> face_;
  std::unique_ptr<transport::HttpServer> http_;
  std::uint16_t port_ = 0;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace tutti::rest
