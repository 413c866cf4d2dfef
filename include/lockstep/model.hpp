// What a model's author includes.
//
// A model is a functor over a context `m`:
//
//   template <class M> LOCKSTEP_FN void operator()(M& m) const
//
// with views of its data as members, bound by name in its constructor from a Dataset. What it may do:
//
//   m.param(name, prior)                  a parameter            m.param(name, prior, dim)      one per element
//   m.param(name, prior, support)         on a named support     m.param(name, dim, lambda)     priors by element
//   m.observe(name, y, dim, lambda)       data, given a distribution per element; returns a node
//   m.observe(name, Y, rows, columns, lambda)                    a matrix of data, likewise
//   m.deterministic(name, expression)     a reported quantity    m.let(...)                     computed once and kept
//   m.potential(name, expression)         a term of the log density that no distribution gives
//   m.scan(name, dim, initial, step)      a recurrence           m.linear(X, beta)              a dense linear predictor
//   m.ode(name, time, state, first, t0, times, f)                the solution of differential equations
//
// Elements are read with the plate's index, x[j], or through a group index; one named by a number, mu[0], is the same for the
// whole plate.
//
// What it may not: branch on a parameter's value (it does not compile), copy a node, or return an expression over nodes
// local to another function (`check` and debug builds find that).
#pragma once

#include "lockstep/custom_support.hpp"
#include "lockstep/dataset.hpp"
#include "lockstep/distributions.hpp"
#include "lockstep/functions.hpp"
#include "lockstep/integral.hpp"
#include "lockstep/non_centred.hpp"
#include "lockstep/ode.hpp"
#include "lockstep/plate.hpp"
#include "lockstep/root.hpp"
