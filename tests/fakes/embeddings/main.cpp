// A small embeddings server on loopback with true, if simple, vectors: each word of a text, and a
// few words taken to mean the same, point in a direction of their own (by hash), a text in the sum
// of its words' directions. Speaks /v1/embeddings and /api/embed.
//
//   embeddings_fake [--dimensions N] [--fail N] [--status N] [--mode MODE] [--key KEY] [--reject
//   WORD] [--overflow WORD] [--unknown WORD]
//
// Prints its port on stdout, then serves until its standard input ends; a line there, "mode MODE",
// changes how it behaves from then on, and is answered with "ok". Modes: ok, slow (never answers),
// short (a vector too few), other_dimension, nan, infinite, zero, garbage, huge, closed (hangs up),
// error (500), shuffled (vectors in another order, as OpenAI's wire allows). --fail N answers the
// first N requests with --status (500). --key demands a bearer token; --reject WORD answers 400 to
// texts that hold it; --overflow WORD puts NaN into their vectors, --unknown WORD zeros.
//
// /api/embed is as Ollama documents it (docs/api.md there, "Generate Embeddings"): `input` is a
// text or a list of texts, beside `model` there may be `truncate`, `dimensions`, `options` and
// `keep_alive` and nothing else, vectors have length 1, and with them come `model`,
// `total_duration`, `load_duration` and `prompt_eval_count`. The model "absent" is not pulled: 404.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {
using Json = nlohmann::json;

struct Options {
  std::size_t dimensions = 64;
  int fail = 0;
  int status = 500;
  std::string key;
  std::string reject;
  std::string overflow;
  std::string unknown;
};
Options options;
std::mutex mutex;
std::string mode = "ok";  // guarded by mutex
std::atomic<int> requests = 0;

std::uint64_t hashOf(const std::string& word) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

/// Words that a real model would put near each other.
std::string meaningOf(const std::string& word) {
  static const std::map<std::string, std::string> same = {
      {"car", "automobile"},   {"cars", "automobile"},   {"vehicle", "automobile"},
      {"doctor", "physician"}, {"doctors", "physician"}, {"quick", "fast"},
      {"rapid", "fast"},       {"feline", "cat"},        {"kitten", "cat"}};
  const auto found = same.find(word);
  return found == same.end() ? word : found->second;
}

std::vector<double> vectorOf(const std::string& text, std::size_t dimensions) {
  std::vector<double> sum(dimensions, 0.0);
  std::string word;
  const auto add = [&] {
    if (word.empty()) return;
    std::uint64_t state = hashOf(meaningOf(word));
    for (double& value : sum) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      value += static_cast<double>(static_cast<std::int32_t>(state >> 32U)) / 2147483648.0;
    }
    word.clear();
  };
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else
      add();
  }
  add();
  if (sum[0] == 0.0) sum[0] = 1e-3;  // a text without words still has a direction
  return sum;
}

struct Answer {
  int status = 200;
  std::string body;
};

std::string numbersOf(const std::string& text, const std::string& how, std::size_t dimensions) {
  if (how == "other_dimension") ++dimensions;
  std::vector<double> vector = vectorOf(text, dimensions);
  const double length =
      std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
  for (double& value : vector) value /= length;
  if (how == "zero") vector.assign(dimensions, 0.0);
  if (how == "infinite") vector[0] = 1e300;
  std::string numbers = Json(vector).dump();
  if (how == "nan") numbers = "[NaN" + numbers.substr(numbers.find(','));
  return numbers;
}

/// What is wrong with a request of Ollama's; nothing for one as documented.
std::optional<Answer> ollamaRefusal(const Json& request) {
  const auto refuse = [](int status, const std::string& why) {
    return Answer{status, Json({{"error", why}}).dump()};
  };
  for (const auto& [name, value] : request.items()) {
    static const std::set<std::string> known = {"model",      "input",   "truncate",
                                                "dimensions", "options", "keep_alive"};
    if (!known.contains(name)) return refuse(400, "no member " + name + " is documented");
  }
  const std::string model = request.value("model", "");
  if (model.empty()) return refuse(400, "model is required");
  if (model == "absent")
    return refuse(404, "model \"" + model + "\" not found, try pulling it first");
  const bool texts =
      request.contains("input") && (request["input"].is_string() || request["input"].is_array());
  if (!texts) return refuse(400, "invalid input type");
  if (request.contains("truncate") && !request["truncate"].is_boolean())
    return refuse(400, "truncate is a boolean");
  return std::nullopt;
}

Answer answerTo(const std::string& target, const Json& request, const std::string& how) {
  const bool ollama = target == "/api/embed";
  if (!ollama && target != "/v1/embeddings") return {404, R"({"error":"no such path"})"};
  if (how == "garbage") return {200, "<html>Gateway</html>"};
  if (how == "huge") return {200, std::string(64U * 1024 * 1024, ' ')};
  if (ollama)
    if (auto refused = ollamaRefusal(request)) return *refused;
  const Json& input = request.at("input");
  const auto dimensions = request.value("dimensions", options.dimensions);
  std::vector<std::string> items;
  for (const Json& text : input.is_string() ? Json::array({input}) : input) {
    const auto words = text.get<std::string>();
    if (!options.reject.empty() && words.find(options.reject) != std::string::npos)
      return {400, R"({"error":{"message":"input is too long"}})"};
    const auto holds = [&words](const std::string& word) {
      return !word.empty() && words.find(word) != std::string::npos;
    };
    const std::string own = holds(options.overflow) ? "nan" : holds(options.unknown) ? "zero" : how;
    const std::string numbers = numbersOf(words, own, dimensions);
    items.push_back(ollama ? numbers
                           : R"({"object":"embedding","index":)" + std::to_string(items.size()) +
                                 R"(,"embedding":)" + numbers + "}");
  }
  if (how == "short" && !items.empty()) items.pop_back();
  std::string list;
  if (how == "shuffled" && !ollama) items = {items.rbegin(), items.rend()};
  for (const std::string& item : items) list += (list.empty() ? "" : ",") + item;
  if (!ollama) return {200, R"({"object":"list","data":[)" + list + "]}"};
  return {200, R"({"model":)" + request["model"].dump() + R"(,"embeddings":[)" + list +
                   R"(],"total_duration":14143917,"load_duration":1019500,"prompt_eval_count":8})"};
}

bool readAll(int fd, std::string& head, std::string& body) {
  std::string data;
  char block[65536];
  std::size_t wanted = std::string::npos;
  std::size_t body_at = 0;
  while (wanted == std::string::npos || data.size() < body_at + wanted) {
    const ssize_t got = ::read(fd, block, sizeof block);
    if (got <= 0) return false;
    data.append(block, static_cast<std::size_t>(got));
    const std::size_t end = data.find("\r\n\r\n");
    if (end == std::string::npos || wanted != std::string::npos) continue;
    head = data.substr(0, end + 2);
    body_at = end + 4;
    const std::size_t length = head.find("Content-Length: ");
    wanted = length == std::string::npos ? 0 : std::stoul(head.substr(length + 16));
  }
  body = data.substr(body_at);
  return true;
}

void writeAll(int fd, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return;
    at += static_cast<std::size_t>(sent);
  }
}

void serve(int fd) {
  std::string head;
  std::string body;
  if (readAll(fd, head, body)) {
    std::string how;
    {
      const std::scoped_lock guard(mutex);
      how = mode;
    }
    if (how == "slow") {  // until the client gives up
      char byte = 0;
      static_cast<void>(::read(fd, &byte, 1));
    } else if (how != "closed") {
      const std::string target = head.substr(5, head.find(' ', 5) - 5);
      Answer answer;
      const bool allowed = options.key.empty() || head.find("Authorization: Bearer " + options.key +
                                                            "\r\n") != std::string::npos;
      if (++requests <= options.fail || how == "error")
        answer = {options.status, R"({"error":"told to fail"})"};
      else if (!allowed)
        answer = {401, R"({"error":"no key"})"};
      else
        answer = answerTo(target, Json::parse(body), how);
      writeAll(fd, "HTTP/1.1 " + std::to_string(answer.status) +
                       " X\r\nContent-Type: application/json\r\nConnection: close\r\n"
                       "Content-Length: " +
                       std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body);
    }
  }
  ::close(fd);
}

void parse(int count, char** words) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = words[i];
    const std::string value = words[i + 1];
    if (name == "--dimensions") options.dimensions = std::stoul(value);
    if (name == "--fail") options.fail = std::stoi(value);
    if (name == "--status") options.status = std::stoi(value);
    if (name == "--mode") mode = value;
    if (name == "--key") options.key = value;
    if (name == "--reject") options.reject = value;
    if (name == "--overflow") options.overflow = value;
    if (name == "--unknown") options.unknown = value;
  }
}
}  // namespace

int main(int count, char** words) {
  parse(count, words);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = static_cast<sockaddr*>(static_cast<void*>(&address));
  socklen_t size = sizeof address;
  if (::bind(listener, any, size) != 0 || ::listen(listener, 64) != 0) return 1;
  ::getsockname(listener, any, &size);
  std::cout << ntohs(address.sin_port) << std::endl;
  std::thread([listener] {
    for (;;) {
      const int fd = ::accept(listener, nullptr, nullptr);
      if (fd >= 0) std::thread(serve, fd).detach();
    }
  }).detach();
  for (std::string line; std::getline(std::cin, line);) {
    if (line.starts_with("mode ")) {
      const std::scoped_lock guard(mutex);
      mode = line.substr(5);
    }
    std::cout << (line == "requests" ? std::to_string(requests) : "ok") << std::endl;
  }
  std::_Exit(0);
}
