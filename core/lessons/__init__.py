"""Small simulations behind the lessons: real models and metrics at a size that answers while a hand moves."""
