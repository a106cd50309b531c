#include "bench/peers/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace laneway::bench {
namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(2);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One that nobody uses right now.
std::uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (probe < 0 || bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fail("a free port");
  }
  close(probe);
  return ntohs(address.sin_port);
}

int connected(std::uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (made >= 0 &&
      connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(made);
    return -1;
  }
  return made;
}

// In the child: ends with its parent, and says nothing.
[[noreturn]] void become(const std::string& program, const std::vector<std::string>& arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    dup2(null, descriptor);
  }
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  execv(program.c_str(), words.data());
  _exit(127);
}

}  // namespace

std::string server_program(const char* name) {
  for (const char* folder : {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/"}) {
    const std::string path = std::string(folder) + name;
    if (access(path.c_str(), X_OK) == 0) {
      return path;
    }
  }
  return {};
}

Server::Server(const std::string& program, std::vector<std::string> arguments)
    : port_(free_port()) {
  for (std::string& argument : arguments) {
    if (argument == "{port}") {
      argument = std::to_string(port_);
    }
  }
  process_ = fork();
  if (process_ == 0) {
    become(program, arguments);
  }
  for (int tries = 0; tries < 500; ++tries) {
    const int made = process_ < 0 ? -1 : connected(port_);
    if (made >= 0) {
      close(made);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fail(program.c_str());
}

Server::~Server() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

Connection::Connection(std::uint16_t port) : socket_(connected(port)) {
  if (socket_ < 0) {
    fail("connect");
  }
  const int yes = 1;
  (void)setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Connection::Connection(Connection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      taken_(other.taken_) {}

Connection::~Connection() {
  if (socket_ >= 0) {
    close(socket_);
  }
}

void Connection::flush() {
  for (std::string_view left = out_; !left.empty();) {
    const ssize_t sent = send(socket_, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      fail("send");
    }
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  out_.clear();
}

void Connection::fill() {
  if (taken_ == in_.size()) {
    in_.clear();
    taken_ = 0;
  }
  char bytes[16'384];
  const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
  if (got <= 0) {
    fail("recv");
  }
  in_.append(bytes, static_cast<std::size_t>(got));
}

std::string_view Connection::line() {
  std::size_t end = 0;
  while ((end = in_.find("\r\n", taken_)) == std::string::npos) {
    fill();
  }
  const std::size_t begin = std::exchange(taken_, end + 2);
  return std::string_view(in_).substr(begin, end - begin);
}

std::string_view Connection::block(std::size_t bytes) {
  while (in_.size() - taken_ < bytes + 2) {
    fill();
  }
  const std::size_t begin = std::exchange(taken_, taken_ + bytes + 2);
  return std::string_view(in_).substr(begin, bytes);
}

}  // namespace laneway::bench
