// A model bound to a data set, with its meanings besides the gradient as functions; and checks of what it says of mistakes.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "lockstep/model_table.hpp"
#include "lockstep/data.hpp"
#include "tests/model_error.hpp"

namespace lockstep {

using Values = std::vector<double>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double log_sqrt_of_2pi = 0.91893853320467274178;

// A data set bound to a model, with its meanings as functions.
template <class Model>
struct Bound {
  Data data;
  DataViews views;
  BoundModel<Model> model;

  explicit Bound(Data d) : data(std::move(d)), views(data), model(views.view()) {}

  std::size_t coordinates() const { return std::size_t(model.layout().coordinates); }
  std::span<const SiteView> sites() const { return {model.layout().sites, std::size_t(model.layout().site_count)}; }
  SiteView site(const std::string& name) const {
    for (const SiteView& s : sites())
      if (s.name == name) return s;
    ADD_FAILURE() << "no site " << name;
    return {};
  }
  // How many values come out: of parameters and deterministics, or of observed sites.
  std::size_t count(bool observed) const {
    std::size_t n = 0;
    for (const SiteView& s : sites())
      if ((s.kind == SiteKind::observed) == observed) n += std::size_t(s.size);
    return n;
  }
  // The parameters' part of what constrain or prior gave.
  Values parameters(const Values& values) const {
    Values result;
    std::size_t at = 0;
    for (const SiteView& s : sites()) {
      if (s.kind == SiteKind::parameter) result.insert(result.end(), &values[at], &values[at] + s.size);
      if (s.kind != SiteKind::observed) at += std::size_t(s.size);
    }
    return result;
  }
  // One site's part of what constrain, prior, predict or pointwise gave.
  Values part(const Values& values, const std::string& name) const {
    const bool observed = site(name).kind == SiteKind::observed;
    std::size_t at = 0;
    for (const SiteView& s : sites()) {
      if ((s.kind == SiteKind::observed) != observed) continue;
      if (s.name == name) return {&values[at], &values[at] + s.size};
      at += std::size_t(s.size);
    }
    return {};
  }

  Values constrain(const Values& position, std::int64_t data_set = 0) const {
    Values out(count(false));
    model.generate({Meaning::constrain, position.data(), nullptr, 0, 0, 0, data_set, nullptr, out.data()});
    return out;
  }
  Values unconstrain(const Values& values) const {
    Values position(coordinates());
    model.generate({Meaning::unconstrain, nullptr, values.data(), 0, 0, 0, 0, position.data(), nullptr});
    return position;
  }
  struct Draw {
    Values position, values;
    bool operator==(const Draw&) const = default;
  };
  Draw prior(std::uint64_t seed, std::uint32_t chain = 0, std::uint32_t draw = 0) const {
    Draw d{Values(coordinates()), Values(count(false))};
    model.generate({Meaning::prior, nullptr, nullptr, seed, chain, draw, 0, d.position.data(), d.values.data()});
    return d;
  }
  Values predict(const Values& position, std::uint64_t seed, std::uint32_t chain = 0, std::uint32_t draw = 0) const {
    Values out(count(true));
    model.generate({Meaning::predict, position.data(), nullptr, seed, chain, draw, 0, nullptr, out.data()});
    return out;
  }
  // Of the sites with states, in the order of the observed sites.
  Values states(const Values& position, std::uint32_t draw) const {
    Values out(count(true));
    model.generate({Meaning::states, position.data(), nullptr, 11, 0, draw, 0, nullptr, out.data()});
    return out;
  }
  Values pointwise(const Values& position, std::int64_t data_set = 0) const {
    std::size_t events = 0;
    for (const SiteView& s : sites()) events += s.kind == SiteKind::observed ? std::size_t(s.events) : 0;
    Values out(events);
    model.generate({Meaning::pointwise, position.data(), nullptr, 0, 0, 0, data_set, nullptr, out.data()});
    return out;
  }
  double log_density(const Values& position) const {
    Values gradient(coordinates() + 1), scratch(std::size_t(model.layout().scratch) + 1);
    const std::int64_t data_set = 0;
    double f = 0;
    model.template gradient<double>(position.data(), &f, gradient.data(), scratch.data(), &data_set);
    return f;
  }
};

inline Data example(const std::string& name) {
  return Data::from_json_file(LOCKSTEP_SOURCE_DIR "/models/data/" + name + ".json");
}

inline Values some_position(std::size_t n, std::uint32_t seed, double reach = 1.5) {
  Stream stream({.seed = seed});
  Values x(n);
  for (double& xi : x) xi = reach * (2 * stream.uniform() - 1);
  return x;
}
inline double sum(const Values& v) { return std::accumulate(v.begin(), v.end(), 0.); }

}  // namespace lockstep
